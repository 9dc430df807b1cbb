-- Segments with a filter keep their members like static ones; every write of a customer, an order or an event puts the
-- customer in and out of them. For that, whoever writes must know all filters of the project, and whoever creates a segment
-- must see all customers. So each write holds the project's rules lock shared, and each change of the rules (the filtered
-- segments, the metadata schemas) holds it exclusively and counts the version up, by which writers notice that what they
-- remember of the rules is old.
ALTER TABLE projects ADD COLUMN rules_version bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN projects.rules_version IS 'counts the changes of what is remembered per project: filtered segments, schemas';

-- The version of a project's rules, which nobody changes from now until the transaction ends. In a volatile function, whose
-- query sees what was committed before the lock was granted, even within a statement that began earlier.
CREATE FUNCTION rules_version(of_project bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    -- As an expression, which costs a tenth of a PERFORM.
    IF pg_advisory_xact_lock_shared(8682000000000000 + of_project) IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT rules_version FROM projects WHERE id = of_project);
END
$$;

-- The same for who changes the rules, or reads all customers by them: nobody writes until the transaction ends.
CREATE FUNCTION lock_rules(of_project bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(8682000000000000 + of_project);
    RETURN (SELECT rules_version FROM projects WHERE id = of_project);
END
$$;

ALTER TABLE customers ADD COLUMN state json;
COMMENT ON COLUMN customers.state IS
    'summary.redemptions, loyalty and referrals as the emulator''s own surface set them; null until it did';
CREATE INDEX customers_last_order_idx ON customers (project_id, last_order_at) WHERE last_order_at IS NOT NULL;

ALTER TABLE customer_activity ADD COLUMN app_id text COLLATE "C";
COMMENT ON COLUMN customer_activity.app_id IS 'the server key of the request that caused the entry';

-- ---------------------------------------------------------------------------------------------- segments
ALTER TABLE segments ADD COLUMN evaluated_at timestamptz;
COMMENT ON COLUMN segments.evaluated_at IS
    'of a segment whose filter depends on the time: when its members were all right; since then only time has passed';

-- No foreign keys: they would cost as much as the rows. A member is added under the customer's row lock or the rules lock,
-- and a filtered segment is removed under the rules lock.
ALTER TABLE segment_members
    DROP CONSTRAINT segment_members_pk,
    DROP CONSTRAINT segment_members_segment_fk,
    DROP CONSTRAINT segment_members_customer_fk,
    ADD CONSTRAINT segment_members_pk PRIMARY KEY (project_id, customer_id, segment_id);
DROP INDEX segment_members_customer_idx;

-- A segment's members are counted like other rows, under the id of the segment.
INSERT INTO row_counts (project_id, resource, slot, value)
SELECT project_id, segment_id, 0, count(*) FROM segment_members GROUP BY project_id, segment_id;

-- ---------------------------------------------------------------------------------------------- event counts
CREATE TABLE customer_event_counts (
    project_id bigint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT customer_event_counts_pk PRIMARY KEY (project_id, customer_id, type)
);
COMMENT ON TABLE customer_event_counts IS 'how many custom events of each name a customer has, for filters; kept with every event';
INSERT INTO customer_event_counts (project_id, customer_id, type, count)
SELECT project_id, customer_id, type, count(*) FROM custom_events GROUP BY project_id, customer_id, type;

-- ---------------------------------------------------------------------------------------------- moments
CREATE TABLE customer_moments (
    project_id bigint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    field text COLLATE "C" NOT NULL,
    moment timestamptz NOT NULL,
    month_day integer NOT NULL,
    CONSTRAINT customer_moments_pk PRIMARY KEY (project_id, customer_id, field, moment)
);
CREATE INDEX customer_moments_moment_idx ON customer_moments (project_id, field, moment);
CREATE INDEX customer_moments_month_day_idx ON customer_moments (project_id, field, month_day);
COMMENT ON TABLE customer_moments IS
    'the dates in profiles and metadata that a filter of the project compares with the time, so that those whom the passing '
    'of time concerns are found by an index; only fields that such a filter names are here';
COMMENT ON COLUMN customer_moments.month_day IS 'month * 100 + day in UTC, for anniversaries';

-- ---------------------------------------------------------------------------------------------- filters
-- Reads an ISO 8601 date, or date and time, in milliseconds, without ever failing: what domain/filter/scalar.rs reads, no
-- more and no less. A property test holds the two together. The pattern lets through only days that there are, so that the
-- casts cannot fail; that is many times faster than to take the text apart.
CREATE FUNCTION filter_moment(value text) RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    IF value !~ ('^(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)'
        '|02-(?:0[1-9]|1[0-9]|2[0-8]))'
        '|(?:[0-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)'
        '(?:T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?(?:Z|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])?)?$')
        -- A year that there was not; asked apart, since a pattern that looks ahead takes twice as long.
        OR left(value, 4) = '0000'
    THEN
        RETURN NULL;
    END IF;
    IF length(value) = 10 THEN
        RETURN value::timestamp AT TIME ZONE 'UTC';
    END IF;
    IF value ~ '\.[0-9]{4}' THEN
        value := regexp_replace(value, '(\.[0-9]{3})[0-9]+', '\1');
    END IF;
    IF value ~ '(?:Z|[+-][0-9]{2}:?[0-9]{2})$' THEN
        RETURN value::timestamptz;
    END IF;
    RETURN value::timestamp AT TIME ZONE 'UTC';
END
$$;

-- ---------------------------------------------------------------------------------------------- forgetting
-- As in 0002, with the tables of this migration, under the rules lock, and with the counts of the segments' members.
CREATE OR REPLACE FUNCTION forget_customer(
    of_project bigint, by_id text, by_source_id text, deletion_id text, at timestamptz,
    OUT forgotten_id text, OUT events bigint, OUT customer_events bigint, OUT segments bigint, OUT orders bigint,
    OUT order_events bigint
) RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    target customers%ROWTYPE;
BEGIN
    PERFORM rules_version(of_project);
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
    gone_event_counts AS (
        DELETE FROM customer_event_counts WHERE project_id = of_project AND customer_id = target.id
    ),
    gone_moments AS (
        DELETE FROM customer_moments WHERE project_id = of_project AND customer_id = target.id
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
        DELETE FROM segment_members WHERE project_id = of_project AND customer_id = target.id RETURNING segment_id
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
        FROM (
            SELECT 'customers' AS resource, 1 AS value WHERE target.deleted_at IS NULL
            UNION ALL SELECT 'orders', c.orders FROM counts c WHERE c.orders > 0
            UNION ALL SELECT segment_id, 1 FROM gone_members
        ) AS gone
        -- In one order, so that two sessions with one slot that do the same do not wait for each other.
        ORDER BY gone.resource COLLATE "C"
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
