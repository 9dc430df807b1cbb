-- The queue of all background work, and what it leaves behind.
--
-- A job is accepted by writing its slices, which hold what it has to go through, and last its row. A worker looks for a job
-- that is the first unfinished one of its project and that nobody has locked, and does one slice of it in one transaction:
-- under the lock of the job's row it applies the slice, removes it, keeps what there is to report, and counts on. The lock is
-- the lease of the job. PostgreSQL ends it with the connection of a worker that dies, or with the transaction of one that
-- hangs (idle_in_transaction_session_timeout), and with it everything that was done of the slice; so whoever comes next begins
-- where the last committed slice ended.

-- ---------------------------------------------------------------------------------------------- jobs
CREATE TABLE jobs (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    type text COLLATE "C" NOT NULL,
    parameters json,
    app_id text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    token text COLLATE "C" NOT NULL,
    records bigint NOT NULL,
    gone_through bigint NOT NULL DEFAULT 0,
    done_count bigint NOT NULL DEFAULT 0,
    failed_count bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    outcome text COLLATE "C",
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz,
    is_cleared boolean NOT NULL DEFAULT false,
    CONSTRAINT jobs_pk PRIMARY KEY (project_id, id),
    CONSTRAINT jobs_outcome_check CHECK (outcome IN ('DONE', 'FAILED'))
);
CREATE INDEX jobs_queue_idx ON jobs (project_id, number) WHERE outcome IS NULL;
CREATE INDEX jobs_async_actions_idx ON jobs (project_id, created_at, id) WHERE type <> 'EXPORT';
CREATE INDEX jobs_exports_idx ON jobs (project_id, created_at, id) WHERE type = 'EXPORT';
CREATE INDEX jobs_expiry_idx ON jobs (project_id, expires_at) WHERE NOT is_cleared;
COMMENT ON COLUMN jobs.id IS 'aa_... of an async action, exp_... of an export';
COMMENT ON COLUMN jobs.number IS 'the order of arrival within a project: given under a lock that is held until the commit';
COMMENT ON COLUMN jobs.app_id IS 'the server key of the request that asked for it; request_id is the id of that request';
COMMENT ON COLUMN jobs.token IS 'opens the download of what it leaves behind, and nothing else';
COMMENT ON COLUMN jobs.records IS 'how many records it began with; 0 where they are not counted';
COMMENT ON COLUMN jobs.attempts IS 'how often a job without slices has failed';
COMMENT ON COLUMN jobs.outcome IS 'null until it is finished';
COMMENT ON COLUMN jobs.expires_at IS 'when its results go; null while it is not finished, or where they stay';
COMMENT ON COLUMN jobs.is_cleared IS 'whether its results went because their time was over';

CREATE TABLE job_slices (
    project_id bigint NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    records text[] NOT NULL,
    customer_ids text[] COLLATE "C" NOT NULL,
    source_ids text[] COLLATE "C" NOT NULL,
    referrer_ids text[] COLLATE "C" NOT NULL,
    referrer_source_ids text[] COLLATE "C" NOT NULL,
    CONSTRAINT job_slices_pk PRIMARY KEY (project_id, job_id, number)
);
COMMENT ON TABLE job_slices IS 'what a job has still to go through: each slice is removed in the transaction that applies it';
COMMENT ON COLUMN job_slices.number IS 'that of its first record, from 1; the others follow';
COMMENT ON COLUMN job_slices.records IS 'JSON that the emulator wrote; null where the person was forgotten meanwhile';
COMMENT ON COLUMN job_slices.customer_ids IS
    'whom each record names by id; source_ids whom by source id; so that forgetting a person finds their records. Arrays of '
    'the length of records, or empty where no record of the slice names anyone so';

CREATE TABLE job_results (
    project_id bigint NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    part text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    lines text[] NOT NULL,
    customer_ids text[] COLLATE "C" NOT NULL,
    source_ids text[] COLLATE "C" NOT NULL,
    referrer_ids text[] COLLATE "C" NOT NULL,
    CONSTRAINT job_results_pk PRIMARY KEY (project_id, job_id, part, number),
    CONSTRAINT job_results_part_check CHECK (part IN ('file', 'failed'))
);
-- They are written once and mostly read once: to compress them would cost more than to write them.
ALTER TABLE job_results ALTER COLUMN lines SET STORAGE EXTERNAL;
ALTER TABLE job_results ALTER COLUMN customer_ids SET STORAGE EXTERNAL;
ALTER TABLE job_results ALTER COLUMN source_ids SET STORAGE EXTERNAL;
ALTER TABLE job_results ALTER COLUMN referrer_ids SET STORAGE EXTERNAL;
COMMENT ON COLUMN job_results.part IS 'file: lines of the CSV file that can be downloaded; failed: JSON of the records that failed';
COMMENT ON COLUMN job_results.lines IS 'null where the person was forgotten; whom each line shows is in the other arrays, as in job_slices';
COMMENT ON COLUMN job_results.referrer_ids IS
    'of a file, whose id the line shows beside the person; of what failed, the second person of an order: the line goes with either';

-- ---------------------------------------------------------------------------------------------- forgetting
ALTER TABLE permanent_deletions ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
COMMENT ON COLUMN permanent_deletions.xid IS
    'the transaction that forgot, so that an export can tell whom it has read and must not keep';

-- Takes a person out of what jobs have still to do: records that are the person's own go; those of others that name the person as
-- referrer lose that. A slice that is being applied, or taken apart, is waited for. Who calls it holds no customer: a worker
-- locks its slice first, and customers after.
CREATE FUNCTION forget_in_slices(of_project bigint, person_id text, person_source_ids text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE job_slices SET (records, customer_ids, source_ids, referrer_ids, referrer_source_ids) = (
        SELECT coalesce(array_agg(CASE WHEN is_own THEN NULL WHEN is_referrer THEN (
                       SELECT '{' || coalesce(string_agg(to_json(member.key)::text || ':' || member.value::text, ','
                                                         ORDER BY member.place), '') || '}'
                       FROM json_each(record::json) WITH ORDINALITY AS member (key, value, place)
                       WHERE member.key <> 'referrer'
                   ) ELSE record END ORDER BY place), '{}'),
               CASE WHEN customer_ids = '{}' THEN '{}'
                    ELSE array_agg(CASE WHEN NOT is_own THEN customer_id END ORDER BY place) END,
               CASE WHEN source_ids = '{}' THEN '{}'
                    -- Another's record, by its id, may name the person all the same.
                    ELSE array_agg(CASE WHEN NOT is_own AND source_id <> ALL(person_source_ids) THEN source_id END
                                   ORDER BY place) END,
               CASE WHEN referrer_ids = '{}' THEN '{}'
                    ELSE array_agg(CASE WHEN NOT is_own AND NOT is_referrer THEN referrer_id END ORDER BY place) END,
               CASE WHEN referrer_source_ids = '{}' THEN '{}'
                    ELSE array_agg(CASE WHEN NOT is_own AND NOT is_referrer THEN referrer_source_id END ORDER BY place) END
        FROM unnest(records, customer_ids, source_ids, referrer_ids, referrer_source_ids) WITH ORDINALITY
                 AS one (record, customer_id, source_id, referrer_id, referrer_source_id, place),
             LATERAL (SELECT coalesce(customer_id = person_id OR customer_id IS NULL AND source_id = ANY(person_source_ids), false),
                             coalesce(referrer_id = person_id
                                      OR referrer_id IS NULL AND referrer_source_id = ANY(person_source_ids), false))
                 AS of_person (is_own, is_referrer)
    )
    WHERE project_id = of_project
        AND (customer_ids && ARRAY[person_id] OR source_ids && person_source_ids
             OR referrer_ids && ARRAY[person_id] OR referrer_source_ids && person_source_ids);
END
$$;

-- Takes orders that go with a person out of what jobs have still to do: a record that changes such an order, and names no customer
-- of its own, would bring it back.
CREATE FUNCTION forget_orders_in_slices(of_project bigint, order_names text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE job_slices SET records = (
        SELECT array_agg(CASE WHEN is_theirs THEN NULL ELSE record END ORDER BY place)
        FROM unnest(job_slices.records) WITH ORDINALITY AS one (record, place),
             LATERAL (SELECT record::json -> 'customer' IS NULL
                      AND coalesce(record::json ->> 'id', record::json ->> 'source_id') = ANY(order_names)) AS of_person (is_theirs)
    )
    FROM jobs
    WHERE job_slices.project_id = of_project AND jobs.project_id = of_project AND jobs.id = job_slices.job_id
        AND jobs.type = 'ORDERS.IMPORT' AND EXISTS (
            SELECT FROM unnest(job_slices.records) AS record
            WHERE record::json -> 'customer' IS NULL
                AND coalesce(record::json ->> 'id', record::json ->> 'source_id') = ANY(order_names));
END
$$;

-- Takes a person out of what jobs have left behind: the person's own lines go, and whatever tells of an order of theirs that
-- failed; lines of others that name the person as referrer lose that.
CREATE FUNCTION forget_in_results(of_project bigint, person_id text, person_source_ids text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE job_results SET (lines, customer_ids, source_ids, referrer_ids) = (
        SELECT coalesce(array_agg(CASE WHEN is_own THEN NULL WHEN is_referrer THEN replace(line, person_id, '') ELSE line END
                                  ORDER BY place), '{}'),
               CASE WHEN customer_ids = '{}' THEN '{}'
                    ELSE array_agg(CASE WHEN NOT is_own THEN customer_id END ORDER BY place) END,
               CASE WHEN source_ids = '{}' THEN '{}'
                    ELSE array_agg(CASE WHEN NOT is_own THEN source_id END ORDER BY place) END,
               CASE WHEN referrer_ids = '{}' THEN '{}'
                    ELSE array_agg(CASE WHEN NOT is_own AND NOT is_referrer THEN referrer_id END ORDER BY place) END
        FROM unnest(lines, customer_ids, source_ids, referrer_ids) WITH ORDINALITY
                 AS one (line, customer_id, source_id, referrer_id, place),
             LATERAL (SELECT coalesce(customer_id = person_id OR source_id = ANY(person_source_ids)
                                      OR part = 'failed' AND referrer_id = person_id, false),
                             coalesce(referrer_id = person_id, false)) AS of_person (is_own, is_referrer)
    )
    WHERE project_id = of_project
        AND (customer_ids && ARRAY[person_id] OR source_ids && person_source_ids OR referrer_ids && ARRAY[person_id]);
END
$$;

-- As in 0003, and in jobs.
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
