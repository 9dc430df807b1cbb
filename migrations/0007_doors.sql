-- Every door into a project and out of it: keys of every family, tokens, settings, webhooks.

-- ---------------------------------------------------------------------------------------------- organisations
CREATE TABLE organisations (
    id bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamptz NOT NULL,
    CONSTRAINT organisations_pk PRIMARY KEY (id)
);
COMMENT ON TABLE organisations IS
    'what management keys open; the first one is the default, which has the configured keys and every project that came by itself';
INSERT INTO organisations (created_at) VALUES (now());

-- ---------------------------------------------------------------------------------------------- projects
ALTER TABLE projects
    ADD COLUMN organisation_id bigint NOT NULL DEFAULT 1,
    ADD COLUMN is_sandbox boolean NOT NULL DEFAULT false,
    ADD COLUMN settings json,
    ADD COLUMN webhook_token text NOT NULL DEFAULT gen_random_uuid()::text,
    ADD CONSTRAINT projects_organisation_fk FOREIGN KEY (organisation_id) REFERENCES organisations (id);
ALTER TABLE projects ALTER COLUMN organisation_id DROP DEFAULT, ALTER COLUMN webhook_token DROP DEFAULT;
CREATE INDEX projects_organisation_idx ON projects (organisation_id, id);
CREATE UNIQUE INDEX projects_sandbox_key ON projects (is_sandbox) WHERE is_sandbox;
COMMENT ON COLUMN projects.is_sandbox IS 'the default project, which cannot be deleted: that of the server key of the last start';
COMMENT ON COLUMN projects.settings IS 'what the management API shows of the project but its ids, name and keys; null where all is default';
COMMENT ON COLUMN projects.webhook_token IS 'signs what its webhooks send, so it is stored as it is';

-- A project is deleted in two steps, so that the second may take as long as it takes, and be broken off at any moment. The first,
-- a short transaction, marks it as deleted and revokes its keys: nothing finds it any more. The second removes its rows, slice by
-- slice, each in a transaction of its own, and the project last, from which anybody sees that there is something left to do.
-- Nobody writes there meanwhile: who writes under the rules lock is refused from the mark on, and who had the lock before is waited
-- for, since each slice takes it alone. What is written without that lock has a foreign key to the project: it is either there
-- before the project goes, and removed with the rest, or refused after.
ALTER TABLE projects ADD COLUMN deleted_at timestamptz;
CREATE INDEX projects_deleted_idx ON projects (id) WHERE deleted_at IS NOT NULL;
COMMENT ON COLUMN projects.deleted_at IS 'since when it is being removed, and not there for anybody';
ALTER TABLE jobs ADD CONSTRAINT jobs_project_fk FOREIGN KEY (project_id) REFERENCES projects (id);
ALTER TABLE segments ADD CONSTRAINT segments_project_fk FOREIGN KEY (project_id) REFERENCES projects (id);

-- As in 0003, of a project that is there; VE001 is what db::error knows one by that is not.
CREATE OR REPLACE FUNCTION rules_version(of_project bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    version bigint;
BEGIN
    IF pg_advisory_xact_lock_shared(8682000000000000 + of_project) IS NULL THEN
        RETURN NULL;
    END IF;
    version := (SELECT rules_version FROM projects WHERE id = of_project AND deleted_at IS NULL);
    IF version IS NULL THEN
        RAISE EXCEPTION 'the project was deleted' USING ERRCODE = 'VE001';
    END IF;
    RETURN version;
END
$$;

CREATE OR REPLACE FUNCTION lock_rules(of_project bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(8682000000000000 + of_project);
    RETURN rules_version(of_project);
END
$$;

-- ---------------------------------------------------------------------------------------------- keys
ALTER TABLE credentials
    DROP CONSTRAINT credentials_pk,
    DROP CONSTRAINT credentials_project_fk,
    ALTER COLUMN project_id DROP NOT NULL,
    ADD COLUMN family text COLLATE "C" NOT NULL DEFAULT 'server',
    ADD COLUMN organisation_id bigint,
    ADD COLUMN revoked_at timestamptz,
    ADD COLUMN named_with text COLLATE "C" NOT NULL DEFAULT '',
    ADD CONSTRAINT credentials_pk PRIMARY KEY (app_id, family, named_with),
    ADD CONSTRAINT credentials_family_check CHECK (family IN ('server', 'client', 'management')),
    ADD CONSTRAINT credentials_opens_check CHECK (
        num_nonnulls(project_id, organisation_id, revoked_at) = 1 AND (organisation_id IS NULL OR family = 'management')),
    ADD CONSTRAINT credentials_project_fk FOREIGN KEY (project_id) REFERENCES projects (id),
    ADD CONSTRAINT credentials_organisation_fk FOREIGN KEY (organisation_id) REFERENCES organisations (id);
ALTER TABLE credentials ALTER COLUMN family DROP DEFAULT;
COMMENT ON COLUMN credentials.revoked_at IS 'a key that opened something and opens nothing any more, nor ever again';
COMMENT ON COLUMN credentials.is_configured IS
    'false for a pair that came by itself, which strict authentication refuses; such a pair opens its project by the server and the client door';

COMMENT ON COLUMN credentials.named_with IS
    'of a key that options name, the server key that they name with it, itself included; empty for every other. Such a key opens something only while an emulator names it';

-- Until now, options were where configured keys came from.
UPDATE credentials SET named_with = app_id WHERE is_configured;
UPDATE projects SET is_sandbox = true WHERE id = (
    SELECT project_id FROM credentials WHERE is_configured ORDER BY created_at DESC, project_id DESC LIMIT 1);
UPDATE projects SET name = c.app_id FROM credentials c WHERE c.project_id = projects.id AND NOT c.is_configured;
INSERT INTO credentials (family, app_id, token_sha256, project_id, is_configured, created_at)
SELECT 'client', app_id, token_sha256, project_id, false, created_at FROM credentials WHERE NOT is_configured;

-- Read before the project is known, like the keys.
CREATE TABLE oauth_tokens (
    token_sha256 bytea NOT NULL,
    project_id bigint NOT NULL,
    app_id text COLLATE "C" NOT NULL,
    scope text NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT oauth_tokens_pk PRIMARY KEY (token_sha256),
    CONSTRAINT oauth_tokens_project_fk FOREIGN KEY (project_id) REFERENCES projects (id)
);
CREATE INDEX oauth_tokens_project_idx ON oauth_tokens (project_id, expires_at);
COMMENT ON COLUMN oauth_tokens.app_id IS 'the server key that asked for the token, which ends with it';
COMMENT ON COLUMN oauth_tokens.scope IS 'as it was asked for: names, with blanks between them';

ALTER TABLE customer_activity ADD COLUMN channel text COLLATE "C";
COMMENT ON COLUMN customer_activity.channel IS 'the door of the request that caused the entry; null is API';

-- ---------------------------------------------------------------------------------------------- webhooks
CREATE TABLE webhooks (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text,
    target_url text NOT NULL,
    events text[] NOT NULL,
    active boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz,
    deleted_at timestamptz,
    CONSTRAINT webhooks_pk PRIMARY KEY (project_id, id),
    CONSTRAINT webhooks_project_fk FOREIGN KEY (project_id) REFERENCES projects (id),
    CONSTRAINT webhooks_kind_check CHECK (kind IN ('webhook', 'distribution'))
);
COMMENT ON COLUMN webhooks.id IS 'wh_... of a project webhook, distr_... of a distribution';
COMMENT ON COLUMN webhooks.name IS 'of a distribution: what its messages show as their type; null is the type of the event';
COMMENT ON COLUMN webhooks.deleted_at IS 'it is gone for everyone; the row stays until its deliveries are removed';
COMMENT ON COLUMN webhooks.active IS 'switched off by itself after the last attempt of a delivery has failed';

-- What is to be sent, written in the transaction of the change, and what became of it. The message itself is not stored: it is made
-- of the activity entry at each attempt, in the same bytes, and goes with the entry when a person is forgotten.
CREATE TABLE webhook_deliveries (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    entry_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    due_at timestamptz,
    outcome text COLLATE "C",
    failures integer NOT NULL DEFAULT 0,
    round integer NOT NULL DEFAULT 0,
    first_attempt_at timestamptz,
    finished_at timestamptz,
    attempts text,
    CONSTRAINT webhook_deliveries_pk PRIMARY KEY (project_id, webhook_id, id)
) WITH (fillfactor = 70);
-- Of each webhook what is due first: the courier reads it webhook by webhook, so that none stands behind another's heap.
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (project_id, webhook_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_failed_idx ON webhook_deliveries (project_id, webhook_id, id) WHERE outcome = 'FAILED';
CREATE INDEX webhook_deliveries_customer_idx ON webhook_deliveries (project_id, customer_id);
COMMENT ON TABLE webhook_deliveries IS
    'written with every change that a webhook is told of, so that it has no more indexes than it needs, and no checks, which PostgreSQL '
    'reads anew for every statement: outcome is DELIVERED, FAILED, or null as long as there is a due_at';
COMMENT ON COLUMN webhook_deliveries.id IS 'whs_..., time-ordered; the same at every attempt';
COMMENT ON COLUMN webhook_deliveries.due_at IS 'when the next attempt is due; null when there is none';
COMMENT ON COLUMN webhook_deliveries.failures IS 'attempts that failed since it was last put in line';
COMMENT ON COLUMN webhook_deliveries.round IS
    'how often it was put in line again; what is still told of an attempt of an earlier round does not end this one';
COMMENT ON COLUMN webhook_deliveries.attempts IS 'JSON objects that the emulator wrote, with commas between them; when they grow long, only of the last';
COMMENT ON COLUMN webhook_deliveries.first_attempt_at IS 'from which the times of the retries count';

-- ---------------------------------------------------------------------------------------------- forgetting
-- As in 0006, and in what is to be sent.
CREATE OR REPLACE FUNCTION forget_customer(
    of_project bigint, by_id text, by_source_id text, deletion_id text, at timestamptz,
    OUT forgotten_id text, OUT events bigint, OUT customer_events bigint, OUT segments bigint, OUT orders bigint,
    OUT order_events bigint
) RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    target customers%ROWTYPE;
    person_source_ids text[];
BEGIN
    PERFORM rules_version(of_project);
    -- Before the customer is locked: a slice that is being applied holds its own lock first, and customers after.
    SELECT * INTO target FROM customers
    WHERE project_id = of_project AND (id = by_id OR source_id = by_source_id AND deleted_at IS NULL);
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- One who was deleted softly had another source id before; who lives under it now is somebody else.
    person_source_ids := ARRAY(
        SELECT held.by_name FROM (VALUES (target.source_id), (regexp_replace(target.source_id, '_deleted[0-9TZ:.-]{24}$', '')))
            AS held (by_name)
        WHERE held.by_name = target.source_id OR target.deleted_at IS NOT NULL AND held.by_name IS NOT NULL AND NOT EXISTS (
            SELECT FROM customers c
            WHERE c.project_id = of_project AND c.source_id = held.by_name AND c.deleted_at IS NULL));
    PERFORM forget_in_slices(of_project, target.id, person_source_ids);
    -- Once more, for the slices that came of one that was taken apart meanwhile.
    PERFORM forget_in_slices(of_project, target.id, person_source_ids);
    PERFORM forget_orders_in_slices(of_project, array_agg(name)) FROM (
        SELECT id AS name FROM orders WHERE project_id = of_project AND customer_id = target.id
        UNION ALL SELECT source_id FROM orders
        WHERE project_id = of_project AND customer_id = target.id AND source_id IS NOT NULL
    ) AS theirs HAVING count(*) > 0;
    -- The same one: by the source id it might be another by now.
    SELECT * INTO target FROM customers
    WHERE project_id = of_project AND id = target.id AND (id = by_id OR source_id = by_source_id AND deleted_at IS NULL)
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- Now that nobody else can change the customer, whatever tells of them is there to be seen.
    PERFORM forget_in_results(of_project, target.id, person_source_ids);
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
    gone_deliveries AS (
        DELETE FROM webhook_deliveries WHERE project_id = of_project AND customer_id = target.id
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
