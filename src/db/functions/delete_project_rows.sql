-- Deletes the rows of a project from these tables, in their order. It must hold the rules lock of the project exclusively, or the
-- project must be deleted.
--
-- The number of the project is a part of each statement, so that its plan suits the project, and sequential scans are off, so that
-- the rows of other projects are not read whatever the statistics say.
CREATE OR REPLACE FUNCTION delete_project_rows(project bigint, tables text[]) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off AS $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY tables LOOP
        EXECUTE format('DELETE FROM %I WHERE project_id = %s', table_name, project);
    END LOOP;
END
$$;
