-- Inserts new customers of a project with their other rows (insert_customer_rows) under its rules lock, and returns the ids of those that
-- were inserted. It is for distributed tables only: the statements of db::customers are as fast on one server, and faster with many
-- customers, but Citus would send their parts to all servers. Without waits, no customer is inserted where try_lock_rules_shared does
-- not return the version of the rules. A customer with another version of the rules is not inserted either.
CREATE OR REPLACE FUNCTION insert_customers(
    project bigint, waits boolean,
    ids text[], source_ids text[], profiles text[], metadata text[], created timestamptz[], names text[], emails text[], cities text[],
    rules_versions bigint[],
    entry_customers text[], entry_ids text[], entry_types text[], entry_groups text[], entry_apps text[], entry_data text[],
    entry_channels text[],
    member_customers text[], member_segments text[],
    moment_customers text[], moment_fields text[], moments timestamptz[],
    delivery_customers text[], delivery_ids text[], delivery_webhooks text[], delivery_entries text[], delivery_times timestamptz[],
    delivery_traces text[]
) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    -- Variables, because an expression would be evaluated where the function is executed.
    own_schema text := current_schema();
    rules_version bigint;
BEGIN
    IF waits THEN
        rules_version := lock_rules_shared(project);
    ELSE
        rules_version := (SELECT try_lock_rules_shared(project, min(at), max(at)) FROM unnest(created) AS at);
    END IF;
    IF rules_version = ANY (rules_versions) THEN
        RETURN QUERY SELECT * FROM insert_customer_rows(
            own_schema, project, waits, rules_version, ids, source_ids, profiles, metadata, created, names, emails, cities,
            rules_versions, entry_customers, entry_ids, entry_types, entry_groups, entry_apps, entry_data, entry_channels,
            member_customers, member_segments, moment_customers, moment_fields, moments, delivery_customers, delivery_ids,
            delivery_webhooks, delivery_entries, delivery_times, delivery_traces);
    END IF;
END
$$;
