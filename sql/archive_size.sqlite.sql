-- Size of the archive by table
--
-- Which tables use the most space? Largest first. Reads the whole file, page by page.
--
--   rows         number of rows
--   size_bytes   size of the table and its indexes
--   index_bytes  size of the indexes alone; most tables are their primary key's index
WITH param AS (
    SELECT
        '%' AS table_name  -- only matching tables; % matches any text
)

-- Rows are the cells of a table's leaf pages; without rowids, the inner pages hold rows, too.
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
