-- Takes the rules lock of a project exclusively until the transaction ends: no other transaction writes customers, orders or events
-- of the project meanwhile. Returns the version of the rules. Raises VE001 like lock_rules_shared, which reads the version.
CREATE OR REPLACE FUNCTION lock_rules_exclusive(project bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(rules_lock_key(project));
    RETURN lock_rules_shared(project);
END
$$;
