-- Deletes the unconfirmed customers that have one of these names as their source id or as their e-mail address, and returns how many
-- they were. Many systems use the e-mail address as source id, so each name is compared with both. A null among the names has no
-- effect. The rows are locked in the order of their ids before the first one is deleted, like those of every other transaction.
--
-- It is written in PL/pgSQL, because Citus cannot plan the statements of an SQL function with parameters.
CREATE OR REPLACE FUNCTION delete_unconfirmed_customers(project bigint, names text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    deleted bigint;
BEGIN
    DELETE FROM unconfirmed_customers WHERE project_id = project AND id = ANY (ARRAY(
        SELECT id FROM unconfirmed_customers
        WHERE project_id = project AND (source_id = ANY (names) OR email = ANY (names))
        ORDER BY id FOR UPDATE));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
