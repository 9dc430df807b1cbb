-- Returns the key of the advisory lock that protects the rules of a project. Advisory locks are those of the whole database, so the
-- key begins with the identifier of a table: every schema with the tables of an emulator has keys of its own. PostgreSQL inlines the
-- function, and the identifier is a constant of the plan, so a call costs no more than the expression.
CREATE OR REPLACE FUNCTION rules_lock_key(project bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ('projects'::regclass::oid::bigint << 32) | (project & 4294967295)
$$;
