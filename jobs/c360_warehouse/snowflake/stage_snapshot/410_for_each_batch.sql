-- COPY takes at most 1,000 names of files.
SELECT
    'staged_' || table_name AS staged_table,
    LISTAGG('''' || file_name || '''', ', ') WITHIN GROUP (ORDER BY file_name) AS file_names
FROM (
    SELECT
        t.key AS table_name,
        f.value:name::VARCHAR AS file_name,
        FLOOR(f.index / 1000) AS batch
    FROM load_manifest AS m,
        LATERAL FLATTEN(input => m.document:tables) AS t,
        LATERAL FLATTEN(input => t.value:files) AS f
) AS files
GROUP BY table_name, batch
ORDER BY table_name, batch
