-- Erases a customer under the rules lock of its project (erase_customer_rows). by_id also finds a softly deleted customer; by_source_id
-- does not.
CREATE OR REPLACE FUNCTION erase_customer(
    project bigint, by_id text, by_source_id text, deletion_id text, at timestamptz,
    OUT erased_customer_id text, OUT events bigint, OUT customer_events bigint, OUT segments bigint, OUT orders bigint,
    OUT order_events bigint, OUT identifiers text[]
) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    -- A variable, because an expression would be evaluated where the function is executed.
    own_schema text := current_schema();
BEGIN
    PERFORM lock_rules_shared(project);
    RETURN QUERY SELECT * FROM erase_customer_rows(own_schema, project, by_id, by_source_id, deletion_id, at);
END
$$;
