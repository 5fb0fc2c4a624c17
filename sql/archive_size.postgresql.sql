-- Size of the archive by table
--
-- Which tables use the most space? Largest first. Reads the catalogue, not the tables.
--
--   rows         approximate number, as of the last ANALYZE
--   size_bytes   size of the table and its indexes
--   index_bytes  size of the indexes alone, including the primary key's
WITH param AS (
    SELECT
        '%' AS table_name  -- only matching tables; % matches any text
)

SELECT
    CAST(pg_class.relname AS TEXT) AS table_name,
    CAST(greatest(pg_class.reltuples, 0) AS BIGINT) AS rows,
    pg_total_relation_size(pg_class.oid) AS size_bytes,
    pg_indexes_size(pg_class.oid) AS index_bytes
FROM pg_class
CROSS JOIN param
WHERE
    pg_class.relkind = 'r'
    AND pg_class.relnamespace = CAST(current_schema() AS REGNAMESPACE)
    AND lower(pg_class.relname) LIKE lower(param.table_name)
ORDER BY size_bytes DESC, pg_class.relname;
