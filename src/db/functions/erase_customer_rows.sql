-- Erases a customer, for erase_customer, which has taken the rules lock: deletes the row with everything that depends on it, records in
-- permanent_deletions what was removed, and returns that with the identifiers of the customer. Returns no row when there is no such
-- customer.
--
-- It is a function, so that an erasure takes one round trip, and so that the statement that deletes sees everything that was
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
    RETURN QUERY
    WITH deleted_orders AS (
        DELETE FROM orders WHERE project_id = project AND customer_id = target.id RETURNING 1
    ),
    cleared_orders AS (
        UPDATE orders SET referrer_id = NULL
        WHERE project_id = project AND referrer_id = target.id AND customer_id IS DISTINCT FROM target.id
    ),
    deleted_events AS (
        DELETE FROM custom_events WHERE project_id = project AND customer_id = target.id RETURNING 1
    ),
    deleted_event_counts AS (
        DELETE FROM customer_event_counts WHERE project_id = project AND customer_id = target.id RETURNING 1
    ),
    deleted_moments AS (
        DELETE FROM customer_moments WHERE project_id = project AND customer_id = target.id RETURNING 1
    ),
    deleted_activity AS (
        DELETE FROM customer_activity WHERE project_id = project AND customer_id = target.id
        RETURNING starts_with(type, 'customer.order.') AS is_order_entry
    ),
    cleared_activity AS (
        UPDATE customer_activity SET referrer_id = NULL, referrer = NULL
        WHERE project_id = project AND referrer_id = target.id AND customer_id <> target.id
    ),
    deleted_members AS (
        DELETE FROM segment_members WHERE project_id = project AND customer_id = target.id RETURNING segment_id
    ),
    deleted_consents AS (
        DELETE FROM customer_consents WHERE project_id = project AND customer_id = target.id RETURNING 1
    ),
    deleted_deliveries AS (
        DELETE FROM webhook_deliveries WHERE project_id = project AND customer_id = target.id RETURNING 1
    ),
    deleted_customer AS (
        DELETE FROM customers WHERE project_id = project AND id = target.id
    ),
    counts AS (
        SELECT (SELECT count(*) FROM deleted_events) AS events,
               (SELECT count(*) FROM deleted_activity WHERE NOT is_order_entry) AS customer_events,
               (SELECT count(*) FROM deleted_members) AS segments,
               (SELECT count(*) FROM deleted_orders) AS orders,
               (SELECT count(*) FROM deleted_activity WHERE is_order_entry) AS order_events
    ),
    decremented AS (
        INSERT INTO row_counts AS counts_of_rows (project_id, resource, slot, value)
        SELECT project, decrement.resource, pg_backend_pid() % 64, -decrement.value
        FROM (
            SELECT 'customers' AS resource, 1 AS value WHERE target.deleted_at IS NULL
            UNION ALL SELECT 'orders', c.orders FROM counts c WHERE c.orders > 0
            UNION ALL SELECT segment_id, 1 FROM deleted_members
        ) AS decrement
        -- Always in the same order, so that two sessions with the same slot cannot deadlock.
        ORDER BY decrement.resource COLLATE "C"
        ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts_of_rows.value + excluded.value
    ),
    removed AS (
        SELECT '{' || string_agg('"' || listed.name || '":' || listed.rows, ',' ORDER BY listed.place) || '}' AS by_table
        FROM counts c, LATERAL (VALUES
            (1, 'customers', 1),
            (2, 'orders', c.orders),
            (3, 'custom_events', c.events),
            (4, 'customer_event_counts', (SELECT count(*) FROM deleted_event_counts)),
            (5, 'customer_activity', c.customer_events + c.order_events),
            (6, 'customer_consents', (SELECT count(*) FROM deleted_consents)),
            (7, 'customer_moments', (SELECT count(*) FROM deleted_moments)),
            (8, 'segment_members', c.segments),
            (9, 'unconfirmed_customers', removed_unconfirmed),
            (10, 'webhook_deliveries', (SELECT count(*) FROM deleted_deliveries)),
            (11, 'job_slices', removed_records),
            (12, 'job_results', removed_lines)
        ) AS listed (place, name, rows)
        WHERE listed.rows > 0
    ),
    record AS (
        INSERT INTO permanent_deletions
            (project_id, id, erased_customer_id, created_at, events, customer_events, daily_events, segments, orders, order_events,
             removed)
        SELECT project, deletion_id, target.id, at, c.events, c.customer_events, 0, c.segments, c.orders, c.order_events,
               r.by_table::json
        FROM counts c, removed r
    )
    SELECT target.id, c.events, c.customer_events, c.segments, c.orders, c.order_events,
           array_remove(target_source_ids || ARRAY[target.id, target.email, target.profile ->> 'phone'], NULL)
    FROM counts c;
END
$$;
