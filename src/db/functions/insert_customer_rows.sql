-- Inserts customers with their other rows and increments the row counts, for insert_customers, which has taken the rules lock. Returns the
-- ids of the customers that were inserted: not of those with another version of the rules, and not of those whose source id a customer
-- has that is not deleted. Without waits, it does not wait long for a lock.
--
-- It reads and writes rows of the project only, so the server with these rows executes it, in a session with another search path and
-- other settings. A statement of its own for each customer, because Citus gives an INSERT ... SELECT ... ON CONFLICT to several servers.
CREATE OR REPLACE FUNCTION insert_customer_rows(
    in_schema text, project bigint, waits boolean, locked_version bigint,
    ids text[], source_ids text[], profiles text[], metadata text[], created timestamptz[], names text[], emails text[], cities text[],
    rules_versions bigint[],
    entry_customers text[], entry_ids text[], entry_types text[], entry_groups text[], entry_apps text[], entry_data text[],
    entry_channels text[],
    member_customers text[], member_segments text[],
    moment_customers text[], moment_fields text[], moments timestamptz[],
    delivery_customers text[], delivery_ids text[], delivery_webhooks text[], delivery_entries text[], delivery_times timestamptz[],
    delivery_traces text[]
) RETURNS SETOF text LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    given record;
    added record;
    inserted text[] := '{}';
    own_slot smallint := pg_backend_pid() % 64;
BEGIN
    PERFORM set_config('search_path', quote_ident(in_schema), true);
    IF NOT waits THEN
        PERFORM set_config('lock_timeout', '100ms', true);
    END IF;
    -- Always in the same order, so that two of these statements cannot deadlock.
    FOR given IN
        SELECT * FROM unnest(ids, source_ids, profiles, metadata, created, names, emails, cities, rules_versions)
            AS customer (id, source_id, profile, metadata, created_at, name, email, city, rules_version)
        WHERE rules_version = locked_version ORDER BY source_id
    LOOP
        INSERT INTO customers (project_id, id, source_id, profile, metadata, created_at, changed_at, name, email, city)
        VALUES (project, given.id, given.source_id, given.profile::json, given.metadata::json, given.created_at, given.created_at,
                given.name, given.email, given.city)
        ON CONFLICT (project_id, source_id) WHERE deleted_at IS NULL DO NOTHING;
        IF FOUND THEN
            inserted := inserted || given.id;
        END IF;
    END LOOP;
    IF inserted = '{}' THEN
        RETURN;
    END IF;
    INSERT INTO customer_activity (project_id, customer_id, id, type, group_id, app_id, data, created_at, channel)
    SELECT project, entry.customer_id, entry.id, type, group_id, app_id, data::json, created_at, channel
    FROM unnest(entry_customers, entry_ids, entry_types, entry_groups, entry_apps, entry_data, entry_channels)
             AS entry (customer_id, id, type, group_id, app_id, data, channel)
        JOIN unnest(ids, created) AS customer (id, created_at) ON customer.id = entry.customer_id
    WHERE customer.id = ANY (inserted);
    IF member_customers <> '{}' THEN
        INSERT INTO segment_members (project_id, segment_id, customer_id, customer_created_at)
        SELECT project, segment_id, customer_id, created_at
        FROM unnest(member_customers, member_segments) AS member (customer_id, segment_id)
            JOIN unnest(ids, created) AS customer (id, created_at) ON customer.id = customer_id
        WHERE customer.id = ANY (inserted);
    END IF;
    IF moment_customers <> '{}' THEN
        INSERT INTO customer_moments (project_id, customer_id, field, moment, month_day)
        SELECT project, customer_id, field, moment, extract(month FROM moment AT TIME ZONE 'UTC')::int * 100
               + extract(day FROM moment AT TIME ZONE 'UTC')::int
        FROM unnest(moment_customers, moment_fields, moments) AS moment (customer_id, field, moment)
        WHERE customer_id = ANY (inserted);
    END IF;
    IF delivery_customers <> '{}' THEN
        INSERT INTO webhook_deliveries (project_id, id, webhook_id, customer_id, entry_id, created_at, due_at, trace_context)
        SELECT project, id, webhook_id, customer_id, entry_id, due_at, due_at, trace_context
        FROM unnest(delivery_customers, delivery_ids, delivery_webhooks, delivery_entries, delivery_times, delivery_traces)
                 AS delivery (customer_id, id, webhook_id, entry_id, due_at, trace_context)
        WHERE customer_id = ANY (inserted);
    END IF;
    FOR added IN
        SELECT resource, count(*) AS rows
        FROM (
            SELECT 'customers' AS resource FROM unnest(inserted)
            UNION ALL
            SELECT segment_id FROM unnest(member_customers, member_segments) AS member (customer_id, segment_id)
            WHERE customer_id = ANY (inserted)
        ) AS listed
        GROUP BY resource ORDER BY resource COLLATE "C"
    LOOP
        INSERT INTO row_counts AS counts (project_id, resource, slot, value) VALUES (project, added.resource, own_slot, added.rows)
        ON CONFLICT (project_id, resource, slot) DO UPDATE SET value = counts.value + excluded.value;
    END LOOP;
    RETURN QUERY SELECT unnest(inserted);
END
$$;
