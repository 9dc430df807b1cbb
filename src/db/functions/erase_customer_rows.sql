-- Erases a customer, for erase_customer, which has taken the rules lock: deletes the row with everything that depends on it, records in
-- permanent_deletions what was removed, and returns that with the identifiers of the customer. Returns no row when there is no such
-- customer.
--
-- It is a function, so that an erasure takes one round trip, and so that the statements that delete see everything that was
-- committed before the customer was locked. A change of the schema that adds a table that depends on a customer must add it here.
--
-- It reads and writes rows of the project only, so where the tables are distributed, the server with these rows executes it, in a session
-- with another search path. So it gets the name of the schema, and has no variable of the type of a table, which would be looked up before.
CREATE OR REPLACE FUNCTION erase_customer_rows(
    in_schema text, project bigint, by_id text, by_source_id text, deletion_id text, at timestamptz,
    OUT erased_customer_id text, OUT events bigint, OUT customer_events bigint, OUT segments bigint, OUT orders bigint,
    OUT order_events bigint, OUT identifiers text[]
) RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    target record;
    target_source_ids text[];
    target_orders text[];
    removed_records bigint;
    removed_lines bigint;
    removed_unconfirmed bigint;
    removed_event_counts bigint;
    removed_moments bigint;
    removed_consents bigint;
    removed_deliveries bigint;
    removed_by_table json;
    left_segments text[];
    removed record;
    own_slot smallint := pg_backend_pid() % 64;
BEGIN
    PERFORM set_config('search_path', quote_ident(in_schema), true);
    -- Find the customer without locking it and erase it from the job slices first: a worker that applies a slice locks the slice
    -- first and customers after it, so the opposite order could deadlock.
    SELECT * INTO target FROM customers
    WHERE project_id = project AND (id = by_id OR source_id = by_source_id AND deleted_at IS NULL);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- The soft deletion of a customer rewrites the source id. The original source id is erased too, unless another customer has it
    -- now.
    target_source_ids := ARRAY(
        SELECT candidate.name FROM (VALUES (target.source_id), (regexp_replace(target.source_id, '_deleted[0-9TZ:.-]{24}$', '')))
            AS candidate (name)
        WHERE candidate.name = target.source_id OR target.deleted_at IS NOT NULL AND candidate.name IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM customers c
            WHERE c.project_id = project AND c.source_id = candidate.name AND c.deleted_at IS NULL));
    -- In a statement of its own, because Citus sends a statement that reads a table to another server, with the functions that it calls.
    target_orders := ARRAY(
        SELECT id FROM orders WHERE project_id = project AND customer_id = target.id
        UNION ALL SELECT source_id FROM orders
        WHERE project_id = project AND customer_id = target.id AND source_id IS NOT NULL);
    removed_records := erase_customer_from_job_slices(project, target.id, target_source_ids, target_orders);
    -- Lock the same customer: the source id may belong to another one by now.
    SELECT * INTO target FROM customers
    WHERE project_id = project AND id = target.id AND (id = by_id OR source_id = by_source_id AND deleted_at IS NULL)
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- Under the lock no other transaction changes the customer, so all rows about it are committed and visible from here on.
    removed_lines := erase_customer_from_job_results(project, target.id, target_source_ids);
    -- After the customer, because a confirmation locks them in this order, too.
    removed_unconfirmed := delete_unconfirmed_customers(project, target_source_ids || nullif(target.email, ''));
    -- Another erasure changes those of the orders and of the activity entries that have a referrer, and the removal of a webhook
    -- deletes deliveries of many customers. Lock these rows in the order that the schema specifies, before any is changed.
    PERFORM FROM orders
    WHERE project_id = project AND (referrer_id = target.id OR customer_id = target.id AND referrer_id IS NOT NULL)
    ORDER BY id FOR UPDATE;
    PERFORM FROM customer_activity
    WHERE project_id = project AND (referrer_id = target.id OR customer_id = target.id AND referrer_id IS NOT NULL)
    ORDER BY customer_id, id FOR UPDATE;
    PERFORM FROM webhook_deliveries WHERE project_id = project AND customer_id = target.id ORDER BY webhook_id, id FOR UPDATE;
    -- A statement for each table, because Citus would send a statement in which one part uses the rows that another has deleted to all
    -- servers.
    DELETE FROM orders WHERE project_id = project AND customer_id = target.id;
    GET DIAGNOSTICS orders = ROW_COUNT;
    UPDATE orders SET referrer_id = NULL WHERE project_id = project AND referrer_id = target.id;
    DELETE FROM custom_events WHERE project_id = project AND customer_id = target.id;
    GET DIAGNOSTICS events = ROW_COUNT;
    DELETE FROM customer_event_counts WHERE project_id = project AND customer_id = target.id;
    GET DIAGNOSTICS removed_event_counts = ROW_COUNT;
    DELETE FROM customer_moments WHERE project_id = project AND customer_id = target.id;
    GET DIAGNOSTICS removed_moments = ROW_COUNT;
    WITH deleted AS (
        DELETE FROM customer_activity WHERE project_id = project AND customer_id = target.id
        RETURNING starts_with(type, 'customer.order.') AS is_order_entry
    )
    SELECT count(*) FILTER (WHERE NOT is_order_entry), count(*) FILTER (WHERE is_order_entry) INTO customer_events, order_events
    FROM deleted;
    UPDATE customer_activity SET referrer_id = NULL, referrer = NULL WHERE project_id = project AND referrer_id = target.id;
    WITH deleted AS (
        DELETE FROM segment_members WHERE project_id = project AND customer_id = target.id RETURNING segment_id
    )
    SELECT coalesce(array_agg(segment_id), '{}') INTO left_segments FROM deleted;
    segments := cardinality(left_segments);
    DELETE FROM customer_consents WHERE project_id = project AND customer_id = target.id;
    GET DIAGNOSTICS removed_consents = ROW_COUNT;
    DELETE FROM webhook_deliveries WHERE project_id = project AND customer_id = target.id;
    GET DIAGNOSTICS removed_deliveries = ROW_COUNT;
    DELETE FROM customers WHERE project_id = project AND id = target.id;
    FOR removed IN
        SELECT * FROM (
            SELECT 'customers' AS resource, 1 AS rows WHERE target.deleted_at IS NULL
            UNION ALL SELECT 'orders', orders WHERE orders > 0
            UNION ALL SELECT segment_id, 1 FROM unnest(left_segments) AS segment_id
        ) AS listed
        -- Always in the same order, so that two sessions with the same slot cannot deadlock.
        ORDER BY resource COLLATE "C"
    LOOP
        INSERT INTO row_counts AS counts (project_id, resource, slot, value) VALUES (project, removed.resource, own_slot, -removed.rows)
        ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value;
    END LOOP;
    removed_by_table := (
        SELECT '{' || string_agg('"' || listed.name || '":' || listed.rows, ',' ORDER BY listed.place) || '}'
        FROM (VALUES
            (1, 'customers', 1),
            (2, 'orders', orders),
            (3, 'custom_events', events),
            (4, 'customer_event_counts', removed_event_counts),
            (5, 'customer_activity', customer_events + order_events),
            (6, 'customer_consents', removed_consents),
            (7, 'customer_moments', removed_moments),
            (8, 'segment_members', segments),
            (9, 'unconfirmed_customers', removed_unconfirmed),
            (10, 'webhook_deliveries', removed_deliveries),
            (11, 'job_slices', removed_records),
            (12, 'job_results', removed_lines)
        ) AS listed (place, name, rows)
        WHERE listed.rows > 0
    );
    INSERT INTO permanent_deletions
        (project_id, id, erased_customer_id, created_at, events, customer_events, daily_events, segments, orders, order_events, removed)
    VALUES (project, deletion_id, target.id, at, events, customer_events, 0, segments, orders, order_events, removed_by_table);
    erased_customer_id := target.id;
    identifiers := array_remove(target_source_ids || ARRAY[target.id, target.email, target.profile ->> 'phone'], NULL);
    RETURN NEXT;
END
$$;
