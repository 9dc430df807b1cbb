-- Erases an unconfirmed customer by its id, its source id or its e-mail address, together with the others that have the same source id
-- or e-mail address. Records the erasure in permanent_deletions, and returns the erased id with the identifiers of the
-- customer. Returns no row when there is none.
CREATE OR REPLACE FUNCTION erase_unconfirmed_customer(
    project bigint, identifier text, deletion_id text, at timestamptz, OUT erased_customer_id text, OUT identifiers text[]
) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    target unconfirmed_customers%ROWTYPE;
    names text[];
    removed_rows bigint;
BEGIN
    PERFORM lock_rules_shared(project);
    -- Lock everything that may be deleted, in the order of the ids, before the first row is deleted.
    names := identifier || ARRAY(
        SELECT name FROM unconfirmed_customers, unnest(ARRAY[source_id, email]) AS name
        WHERE project_id = project AND (id = identifier OR source_id = identifier OR email = identifier));
    PERFORM FROM unconfirmed_customers
    WHERE project_id = project AND (id = identifier OR source_id = ANY (names) OR email = ANY (names))
    ORDER BY id FOR UPDATE;
    SELECT * INTO target FROM unconfirmed_customers
    WHERE project_id = project AND (id = identifier OR source_id = identifier OR email = identifier)
    ORDER BY id <> identifier, source_id IS DISTINCT FROM identifier, requested_at, id
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    DELETE FROM unconfirmed_customers WHERE project_id = project AND id = target.id;
    removed_rows := 1 + delete_unconfirmed_customers(project, ARRAY[target.source_id, target.email]);
    INSERT INTO permanent_deletions
        (project_id, id, erased_customer_id, created_at, events, customer_events, daily_events, segments, orders, order_events,
         removed)
    VALUES (project, deletion_id, target.id, at, 0, 0, 0, 0, 0, 0, format('{"unconfirmed_customers":%s}', removed_rows)::json);
    erased_customer_id := target.id;
    identifiers := array_remove(ARRAY[target.id, target.source_id, target.email, target.patch ->> 'phone'], NULL);
    RETURN NEXT;
END
$$;
