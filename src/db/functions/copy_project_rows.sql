-- Copies the rows that a project has in these tables to another project, in the order of the tables. Work that is not finished is not
-- copied: neither jobs without an outcome nor deliveries that are due, because it belongs to the moment and would be done twice.
-- Webhooks that are deleted, and their deliveries, are left out too.
--
-- The columns come from the catalogue, so that a new column is copied too. The numbers of the projects are a part of each statement,
-- and sequential scans are off, as in delete_project_rows.
CREATE OR REPLACE FUNCTION copy_project_rows(source bigint, target bigint, tables text[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    copied record;
BEGIN
    FOR copied IN
        SELECT listed.name, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns,
               CASE listed.name
                   WHEN 'jobs' THEN ' AND outcome IS NOT NULL'
                   WHEN 'job_results' THEN
                       ' AND EXISTS (SELECT 1 FROM jobs j WHERE j.project_id = original.project_id AND j.id = original.job_id'
                       ' AND j.outcome IS NOT NULL)'
                   WHEN 'webhooks' THEN ' AND deleted_at IS NULL'
                   WHEN 'webhook_deliveries' THEN
                       ' AND due_at IS NULL AND EXISTS (SELECT 1 FROM webhooks w WHERE w.project_id = original.project_id'
                       ' AND w.id = original.webhook_id AND w.deleted_at IS NULL)'
                   ELSE ''
               END AS condition
        FROM unnest(tables) WITH ORDINALITY AS listed (name, place)
        JOIN pg_attribute a ON a.attrelid = listed.name::regclass
        WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'project_id'
        GROUP BY listed.name, listed.place
        ORDER BY listed.place
    LOOP
        EXECUTE format(
            'INSERT INTO %1$I (project_id, %2$s) SELECT %3$s, %2$s FROM %1$I AS original '
            'WHERE project_id = %4$s%5$s', copied.name, copied.columns, target, source, copied.condition);
    END LOOP;
END
$$;
