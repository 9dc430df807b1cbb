-- Forgets a person: removes a customer with everything that hangs on it (domain/deletion.rs lists it), records what was
-- removed, and returns that; no row where there is no such customer. In a function, so that it is one round trip, and that
-- the second statement sees whatever was committed before the first one had the lock. A migration that adds a table which
-- hangs on a customer replaces this function.
CREATE FUNCTION forget_customer(
    of_project bigint, by_id text, by_source_id text, deletion_id text, at timestamptz,
    OUT forgotten_id text, OUT events bigint, OUT customer_events bigint, OUT segments bigint, OUT orders bigint,
    OUT order_events bigint
) RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    target customers%ROWTYPE;
BEGIN
    SELECT * INTO target FROM customers
    WHERE project_id = of_project AND (id = by_id OR source_id = by_source_id AND deleted_at IS NULL)
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH gone_orders AS (
        DELETE FROM orders WHERE project_id = of_project AND customer_id = target.id RETURNING 1
    ),
    cleared_orders AS (
        UPDATE orders SET referrer_id = NULL
        WHERE project_id = of_project AND referrer_id = target.id AND customer_id IS DISTINCT FROM target.id
    ),
    gone_events AS (
        DELETE FROM custom_events WHERE project_id = of_project AND customer_id = target.id RETURNING 1
    ),
    gone_activity AS (
        DELETE FROM customer_activity WHERE project_id = of_project AND customer_id = target.id
        RETURNING starts_with(type, 'customer.order.') AS concerns_order
    ),
    cleared_activity AS (
        UPDATE customer_activity SET referrer_id = NULL, referrer = NULL
        WHERE project_id = of_project AND referrer_id = target.id AND customer_id <> target.id
    ),
    gone_members AS (
        DELETE FROM segment_members WHERE project_id = of_project AND customer_id = target.id RETURNING 1
    ),
    gone_consents AS (
        DELETE FROM customer_consents WHERE project_id = of_project AND customer_id = target.id
    ),
    gone_customer AS (
        DELETE FROM customers WHERE project_id = of_project AND id = target.id
    ),
    counts AS (
        SELECT (SELECT count(*) FROM gone_events) AS events,
               (SELECT count(*) FROM gone_activity WHERE NOT concerns_order) AS customer_events,
               (SELECT count(*) FROM gone_members) AS segments,
               (SELECT count(*) FROM gone_orders) AS orders,
               (SELECT count(*) FROM gone_activity WHERE concerns_order) AS order_events
    ),
    uncounted AS (
        INSERT INTO row_counts AS held (project_id, resource, slot, value)
        SELECT of_project, gone.resource, pg_backend_pid() % 64, -gone.value
        FROM counts,
            LATERAL (VALUES ('customers', CASE WHEN target.deleted_at IS NULL THEN 1 ELSE 0 END),
                            ('orders', counts.orders)) AS gone (resource, value)
        WHERE gone.value > 0
        ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = held.value + excluded.value
    ),
    record AS (
        INSERT INTO permanent_deletions
            (project_id, id, forgotten_id, created_at, events, customer_events, daily_events, segments, orders, order_events)
        SELECT of_project, deletion_id, target.id, at, c.events, c.customer_events, 0, c.segments, c.orders, c.order_events
        FROM counts c
    )
    SELECT target.id, c.events, c.customer_events, c.segments, c.orders, c.order_events FROM counts c;
END
$$;
