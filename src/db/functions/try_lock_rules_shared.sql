-- Takes the rules lock of a project in shared mode like lock_rules_shared, but only if it is free, for a statement that writes for
-- several projects and must not wait for one of them. Returns null where the lock is not free or the project is being deleted, and
-- -1 where the first or the last of the single writes of the statement would be as early as rows of a job. It also limits how long
-- the statement waits for a row.
CREATE OR REPLACE FUNCTION try_lock_rules_shared(project bigint, first_written_at timestamptz, last_written_at timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    IF NOT pg_try_advisory_xact_lock_shared(rules_lock_key(project)) THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT CASE
            WHEN is_before_job_rows(first_written_at, last_job_row_at, job_rows_written_at)
                OR is_before_job_rows(last_written_at, last_job_row_at, job_rows_written_at)
            THEN -1 ELSE rules_version
        END
        FROM projects WHERE id = project AND deleted_at IS NULL
    );
END
$$;
