-- Returns the key of the advisory lock that protects the rules of a project. PostgreSQL inlines the function, so a call costs no
-- more than the expression.
CREATE OR REPLACE FUNCTION rules_lock_key(project bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 8682000000000000 + project
$$;
