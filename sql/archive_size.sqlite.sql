-- Size of the archive by table
--
-- Where does the space go? Largest table first. Reads the whole file, page by page.
--
--   rows         how many
--   size_bytes   the table and its indexes
--   index_bytes  the indexes alone; most tables are themselves the index of their primary key
WITH param AS (
    SELECT
        '%' AS table_name  -- only tables like this; % stands for any text
)

-- Rows are the cells of a table's leaves; of one without rowids, those of the pages above, too.
SELECT
    entry.tbl_name AS table_name,
    sum(CASE
        WHEN entry.type = 'table' AND (page.pagetype = 'leaf' OR entry.sql LIKE '%WITHOUT ROWID%')
            THEN page.ncell
        ELSE 0
    END) AS rows,
    sum(page.pgsize) AS size_bytes,
    sum(CASE WHEN entry.type = 'index' THEN page.pgsize ELSE 0 END) AS index_bytes
FROM dbstat AS page
INNER JOIN sqlite_master AS entry ON page.name = entry.name
CROSS JOIN param
WHERE lower(entry.tbl_name) LIKE lower(param.table_name)
GROUP BY entry.tbl_name
ORDER BY size_bytes DESC, entry.tbl_name;
