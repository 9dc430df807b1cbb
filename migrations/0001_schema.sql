-- The whole schema. Functions are not here: each has a file in src/db/functions/, which the program applies after the migrations.
--
-- Every row of a project has its project_id, and project_id leads every primary key and every index, so that the data can be
-- distributed by project over several servers (src/db/distribution.rs). The exceptions are the directory tables, which are read before
-- the project of a request is known, and the tables schema_functions and pending_work.
--
-- Identifiers have the collation "C", because it compares bytes, which is fast and does not depend on the locale of the server.

-- ---------------------------------------------------------------------------------------------- order of locks
-- A transaction that locks several rows locks them in this order, so that no two transactions wait for each other:
--
--  1. the rules lock of the project (see segments), and then the rows of its seed in seeded_identifiers
--  2. the row of a job in jobs, and then its slice in job_slices: by job and number
--  3. customers, by id
--  4. job_results, by job, part and number
--  5. unconfirmed_customers, by id
--  6. orders, by id
--  7. customer_activity, by customer and id
--  8. webhook_deliveries, by webhook and id
--  9. row_counts: customers, then orders, then the segments by id
--
-- A new row needs no place in the order, because no other transaction waits for it. A statement that changes many rows locks them
-- with SELECT ... ORDER BY ... FOR UPDATE before it changes the first one, because UPDATE and DELETE lock in the order of their plan.
-- Where the change depends on what the rows contain, it is a statement of its own, which sees what was committed while the lock was
-- waited for. Rows that only the holder of another lock changes, such as the events of a locked customer, need no lock of their own.
--
-- A worker holds the lock of one slice when it locks customers, and an erasure locks all slices that name its customer before it locks
-- the customer. A split of a slice holds the rules lock exclusively, because its new slices would be in the middle of the order. The
-- tasks that delete old rows at intervals skip rows that are locked.

-- ---------------------------------------------------------------------------------------------- functions
CREATE TABLE schema_functions (
    name text COLLATE "C" NOT NULL,
    sha256 bytea NOT NULL,
    CONSTRAINT schema_functions_pk PRIMARY KEY (name)
);
COMMENT ON TABLE schema_functions IS
    'which text of each function of src/db/functions/ this database has, so that a start applies only the texts that have changed';

-- ---------------------------------------------------------------------------------------------- directory: organisations
CREATE TABLE organisations (
    id bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamptz NOT NULL,
    CONSTRAINT organisations_pk PRIMARY KEY (id)
);
COMMENT ON TABLE organisations IS
    'what management keys give access to; the first one is the default organisation, which has the configured keys and every '
    'auto-provisioned project';
INSERT INTO organisations (created_at) VALUES (now());

-- ---------------------------------------------------------------------------------------------- directory: projects
-- A project is deleted in two steps, so that the second step may take any time and may be interrupted at any moment:
--
-- 1. A short transaction sets deleted_at and revokes the keys of the project. From then on no request finds the project.
-- 2. The rows of the project are deleted in batches, each in a transaction of its own, and the row of the project last. While that
--    row exists, there is still something to delete.
--
-- No row can be added after the two steps. A writer that uses the rules lock is refused once deleted_at is set, and each batch
-- takes that lock exclusively, so it waits for the writers that were earlier. A writer without the rules lock, of a job or a fault,
-- locks the row of the project: what it inserts is either deleted with the other rows, or refused. The keys and the tokens have a
-- foreign key to projects instead. No other table has one, because the directory tables can be on another server.
--
-- A snapshot of a project is a project that no key gives access to and that no list shows: a row here with snapshot_of, and a copy of
-- each row of the project under its own number. Whatever looks for something to do in all projects must leave snapshots out.
-- Restoring one copies the rows back. A snapshot that is replaced or deleted is deleted like any other project.
CREATE TABLE projects (
    id bigint GENERATED ALWAYS AS IDENTITY,
    organisation_id bigint NOT NULL,
    public_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    is_sandbox boolean NOT NULL DEFAULT false,
    settings json,
    webhook_token text NOT NULL,
    rules_version bigint NOT NULL DEFAULT 0,
    last_job_row_at timestamptz,
    job_rows_written_at timestamptz,
    clock_offset_micros bigint,
    clock_frozen_at timestamptz,
    identifier_seed text,
    is_strict boolean NOT NULL DEFAULT false,
    faults_version bigint,
    snapshot_of bigint,
    snapshot_name text COLLATE "C",
    snapshot_counts json,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT projects_pk PRIMARY KEY (id),
    CONSTRAINT projects_public_id_key UNIQUE (public_id),
    CONSTRAINT projects_snapshot_check CHECK (num_nonnulls(snapshot_of, snapshot_name, snapshot_counts) IN (0, 3)),
    CONSTRAINT projects_clock_check CHECK (num_nonnulls(clock_offset_micros, clock_frozen_at) <= 1),
    CONSTRAINT projects_organisation_fk FOREIGN KEY (organisation_id) REFERENCES organisations (id)
);
CREATE INDEX projects_organisation_idx ON projects (organisation_id, id);
CREATE UNIQUE INDEX projects_sandbox_key ON projects (is_sandbox) WHERE is_sandbox;
CREATE INDEX projects_deleted_idx ON projects (id) WHERE deleted_at IS NOT NULL;
CREATE INDEX projects_snapshot_idx ON projects (snapshot_of) WHERE snapshot_of IS NOT NULL;
CREATE UNIQUE INDEX projects_snapshot_key ON projects (snapshot_of, snapshot_name)
    WHERE snapshot_of IS NOT NULL AND deleted_at IS NULL;
COMMENT ON COLUMN projects.public_id IS 'proj_..., the identifier that the vendor''s API shows';
COMMENT ON COLUMN projects.is_sandbox IS
    'whether it is the default project, which cannot be deleted: the project of the server key that the last start configured';
COMMENT ON COLUMN projects.settings IS
    'what the management API shows of the project except its ids, name and keys; null while every setting has its default';
COMMENT ON COLUMN projects.webhook_token IS 'signs the messages of its webhooks, which is why it is stored in plain text';
COMMENT ON COLUMN projects.rules_version IS
    'is incremented by every change of the rules, which processes cache: filtered segments and metadata schemas (see segments)';
COMMENT ON COLUMN projects.last_job_row_at IS
    'the time that the last row of a job shows. Each shows a millisecond of its own, so it may be later than the clock; what is written '
    'next is later still. Null until a job writes a row';
COMMENT ON COLUMN projects.job_rows_written_at IS 'the time of the clock when that row was written';
COMMENT ON COLUMN projects.clock_offset_micros IS
    'how far the clock of the project is ahead of real time, where it runs and is not real time; every time that the project shows or '
    'compares comes from its clock (see the function project_time)';
COMMENT ON COLUMN projects.clock_frozen_at IS 'the time of the clock while it is frozen';
COMMENT ON COLUMN projects.identifier_seed IS 'what identifiers are made from (see seeded_identifiers); null: they are random';
COMMENT ON COLUMN projects.is_strict IS 'whether requests are refused that the vendor or the emulator otherwise tolerates';
COMMENT ON COLUMN projects.faults_version IS 'another number after every change of the faults of the project, which processes cache by it; null while it has none';
COMMENT ON COLUMN projects.snapshot_of IS 'for a snapshot: the number of its project; null for every other project';
COMMENT ON COLUMN projects.snapshot_name IS 'the name of the snapshot within its project';
COMMENT ON COLUMN projects.snapshot_counts IS 'how many objects of each kind the snapshot has, as the control plane shows it';
COMMENT ON COLUMN projects.deleted_at IS 'when the deletion of the project began; from then on no request finds it';

-- ---------------------------------------------------------------------------------------------- faults
CREATE SEQUENCE faults_numbers;
CREATE TABLE faults (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    number bigint NOT NULL DEFAULT nextval('faults_numbers'),
    rule json NOT NULL,
    matches bigint NOT NULL DEFAULT 0,
    hits bigint NOT NULL DEFAULT 0,
    CONSTRAINT faults_pk PRIMARY KEY (project_id, id)
);
-- The numbers of projects.faults_version: no project has the same number twice, so a cached version is never that of other faults.
CREATE SEQUENCE faults_versions;
COMMENT ON TABLE faults IS
    'what goes wrong on purpose in a project. A change locks the row of the project first, so that there are never too many, and none '
    'of a project that is deleted';
COMMENT ON COLUMN faults.id IS 'fault_...';
COMMENT ON COLUMN faults.number IS 'the order of creation, in which faults are tried';
COMMENT ON COLUMN faults.rule IS 'which requests or attempts to deliver match and what happens to them, as the API shows it; it does not change';
COMMENT ON COLUMN faults.matches IS
    'how many of them matched. It is here and not in memory, so that several emulators on the database decide together';
COMMENT ON COLUMN faults.hits IS 'how many matches were hit';

-- ---------------------------------------------------------------------------------------------- seeded identifiers
CREATE TABLE seeded_identifiers (
    project_id bigint NOT NULL,
    seed text NOT NULL,
    kind text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT seeded_identifiers_pk PRIMARY KEY (project_id, seed, kind)
);
COMMENT ON TABLE seeded_identifiers IS
    'how many identifiers of each kind were made from each seed that a project had. The rows of a seed are inserted when it is set, so '
    'that a writer can lock them: writers of a seeded project make their identifiers one after the other';
COMMENT ON COLUMN seeded_identifiers.kind IS 'the prefix of the identifiers, such as cust_';

-- ---------------------------------------------------------------------------------------------- directory: credentials
CREATE TABLE credentials (
    app_id text COLLATE "C" NOT NULL,
    family text COLLATE "C" NOT NULL,
    configured_by_app_id text COLLATE "C" NOT NULL DEFAULT '',
    token_sha256 bytea NOT NULL,
    is_configured boolean NOT NULL,
    project_id bigint,
    organisation_id bigint,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT credentials_pk PRIMARY KEY (app_id, family, configured_by_app_id),
    CONSTRAINT credentials_family_check CHECK (family IN ('server', 'client', 'management')),
    CONSTRAINT credentials_grant_check CHECK (
        num_nonnulls(project_id, organisation_id, revoked_at) = 1 AND (organisation_id IS NULL OR family = 'management')),
    CONSTRAINT credentials_project_fk FOREIGN KEY (project_id) REFERENCES projects (id),
    CONSTRAINT credentials_organisation_fk FOREIGN KEY (organisation_id) REFERENCES organisations (id)
);
CREATE INDEX credentials_project_idx ON credentials (project_id);
COMMENT ON TABLE credentials IS
    'keys; each gives access to one project or one organisation, or is revoked. A revoked key stays, so that its id never gives '
    'access to anything else';
COMMENT ON COLUMN credentials.configured_by_app_id IS
    'for a key that command line options configure: the id of the server key that the same options configure, which for a server key '
    'is its own id; empty for every other key. Such a key gives access only in an emulator whose options configure it';
COMMENT ON COLUMN credentials.token_sha256 IS 'the token itself is never stored';
COMMENT ON COLUMN credentials.is_configured IS
    'false for an auto-provisioned pair, which strict authentication refuses; such a pair exists as a server key and as a client key '
    'of its project';
COMMENT ON COLUMN credentials.revoked_at IS 'since when the key gives access to nothing, which is final';

-- ---------------------------------------------------------------------------------------------- directory: oauth_tokens
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
COMMENT ON COLUMN oauth_tokens.app_id IS 'the server key that requested the token; the token is deleted when that key is revoked';
COMMENT ON COLUMN oauth_tokens.scope IS 'the names of the scopes as they were requested, separated by spaces';

-- ---------------------------------------------------------------------------------------------- directory: process numbers
-- Each emulator process takes a number, so that two processes on one database never create the same identifier.
CREATE SEQUENCE emulator_nodes AS integer MINVALUE 0 MAXVALUE 16383 START 0 CYCLE;

-- ---------------------------------------------------------------------------------------------- row counts
CREATE TABLE row_counts (
    project_id bigint NOT NULL,
    resource text COLLATE "C" NOT NULL,
    slot smallint NOT NULL,
    value bigint NOT NULL,
    CONSTRAINT row_counts_pk PRIMARY KEY (project_id, resource, slot)
) WITH (fillfactor = 50);
COMMENT ON TABLE row_counts IS
    'the totals of unfiltered lists: the total of a resource is the sum over its slots. The statement that adds or removes a row also '
    'changes its count. Each connection writes to a slot of its own, so that writers do not wait for each other';
COMMENT ON COLUMN row_counts.resource IS 'customers, orders, segments, or the id of a segment for the number of its members';

-- ---------------------------------------------------------------------------------------------- customers
CREATE TABLE customers (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    source_id text COLLATE "C",
    profile json NOT NULL,
    metadata json,
    name text COLLATE "C",
    email text COLLATE "C",
    city text COLLATE "C",
    orders_count bigint NOT NULL DEFAULT 0,
    orders_amount bigint NOT NULL DEFAULT 0,
    last_order_amount bigint NOT NULL DEFAULT 0,
    last_order_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz,
    changed_at timestamptz NOT NULL,
    deleted_at timestamptz,
    state json,
    CONSTRAINT customers_pk PRIMARY KEY (project_id, id)
);
-- A deleted customer keeps its row but frees its source id.
CREATE UNIQUE INDEX customers_source_id_key ON customers (project_id, source_id NULLS FIRST) WHERE deleted_at IS NULL;
-- These indexes include deleted_at, so that a total is counted from the index without reading the rows.
CREATE INDEX customers_created_at_idx ON customers (project_id, created_at, id) INCLUDE (deleted_at);
CREATE INDEX customers_changed_at_idx ON customers (project_id, changed_at, id) INCLUDE (deleted_at);
CREATE INDEX customers_email_idx ON customers (project_id, email, created_at) INCLUDE (deleted_at);
CREATE INDEX customers_name_idx ON customers (project_id, name, created_at) INCLUDE (deleted_at);
CREATE INDEX customers_city_idx ON customers (project_id, city, created_at) INCLUDE (deleted_at);
CREATE INDEX customers_last_order_idx ON customers (project_id, last_order_at) WHERE last_order_at IS NOT NULL;
COMMENT ON COLUMN customers.profile IS
    'the members from name to address as the vendor renders them, in the vendor''s order; json, not jsonb, so that the text is kept';
COMMENT ON COLUMN customers.metadata IS 'null until metadata is written for the first time; json keeps the order of the keys';
COMMENT ON COLUMN customers.name IS
    'name, email and city are copies of members of profile, written together with it, for the filters of lists';
COMMENT ON COLUMN customers.orders_count IS
    'summary.orders: the number of orders with the status PAID or FULFILLED, refreshed by every change of an order';
COMMENT ON COLUMN customers.updated_at IS 'null until the first update';
COMMENT ON COLUMN customers.changed_at IS 'updated_at or, while that is null, created_at: order=updated_at sorts by it';
COMMENT ON COLUMN customers.deleted_at IS
    'soft deletion: the row stays, with its source_id rewritten, until the customer is erased';
COMMENT ON COLUMN customers.state IS
    'summary.redemptions, loyalty, referrals and system_metadata as the emulator''s own API set them; null until it does';

-- ---------------------------------------------------------------------------------------------- unconfirmed customers
CREATE TABLE unconfirmed_customers (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    source_id text COLLATE "C",
    email text COLLATE "C",
    patch json NOT NULL,
    requested_at timestamptz NOT NULL,
    CONSTRAINT unconfirmed_customers_pk PRIMARY KEY (project_id, id)
);
-- One is stored for each source id and, of those without a source id, one for each e-mail address, so that a form that is sent
-- twice waits for one confirmation.
CREATE UNIQUE INDEX unconfirmed_customers_source_id_key ON unconfirmed_customers (project_id, source_id);
CREATE UNIQUE INDEX unconfirmed_customers_email_key ON unconfirmed_customers (project_id, email) WHERE source_id IS NULL;
-- The erasure of a customer finds those with its e-mail address.
CREATE INDEX unconfirmed_customers_email_idx ON unconfirmed_customers (project_id, email);
CREATE INDEX unconfirmed_customers_requested_at_idx ON unconfirmed_customers (project_id, requested_at);
COMMENT ON TABLE unconfirmed_customers IS
    'what pages sent with double opt-in, until it is confirmed and becomes a customer. A table of its own, so that no list, filter or '
    'count of customers includes it. It has no reference to a customer: the erasure of a customer finds its rows by source id and '
    'e-mail address';
COMMENT ON COLUMN unconfirmed_customers.id IS 'ucust_...';
COMMENT ON COLUMN unconfirmed_customers.email IS 'a copy of the member of patch, for lookups';
COMMENT ON COLUMN unconfirmed_customers.patch IS 'the members of the customer as they were sent, which the confirmation applies';
COMMENT ON COLUMN unconfirmed_customers.requested_at IS 'when it was last sent; it expires some days later';

-- The tables below depend on a customer. A writer that adds such a row holds the lock of the customer's row or has just created the
-- customer, and the erasure of the customer takes that lock first, so a row whose customer is gone cannot come into existence.
-- Foreign keys enforce the same where their cost is small. The function erase_customer_rows deals with every one of these tables; a test
-- compares it with the catalogue.

-- ---------------------------------------------------------------------------------------------- orders
CREATE TABLE orders (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    source_id text COLLATE "C",
    customer_id text COLLATE "C",
    referrer_id text COLLATE "C",
    status text COLLATE "C" NOT NULL,
    amount bigint NOT NULL,
    items json,
    metadata json,
    created_at timestamptz NOT NULL,
    updated_at timestamptz,
    CONSTRAINT orders_pk PRIMARY KEY (project_id, id),
    CONSTRAINT orders_customer_fk FOREIGN KEY (project_id, customer_id) REFERENCES customers (project_id, id),
    CONSTRAINT orders_referrer_fk FOREIGN KEY (project_id, referrer_id) REFERENCES customers (project_id, id),
    CONSTRAINT orders_status_check CHECK (status IN ('CREATED', 'PAID', 'CANCELED', 'FULFILLED'))
);
CREATE UNIQUE INDEX orders_source_id_key ON orders (project_id, source_id) WHERE source_id IS NOT NULL;
CREATE INDEX orders_created_at_idx ON orders (project_id, created_at, id);
CREATE INDEX orders_updated_at_idx ON orders (project_id, updated_at NULLS FIRST, id);
-- The index includes what the order summary of a customer needs.
CREATE INDEX orders_customer_idx ON orders (project_id, customer_id, created_at, id) INCLUDE (status, amount)
    WHERE customer_id IS NOT NULL;
CREATE INDEX orders_referrer_idx ON orders (project_id, referrer_id) WHERE referrer_id IS NOT NULL;
COMMENT ON COLUMN orders.referrer_id IS 'the customer who referred the customer of the order';
COMMENT ON COLUMN orders.amount IS 'in hundredths of the currency; there are no discounts, so total_amount is the same';
COMMENT ON COLUMN orders.items IS 'as the vendor renders them; null when the request had none';

-- ---------------------------------------------------------------------------------------------- custom events
CREATE TABLE custom_events (
    project_id bigint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    metadata json NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT custom_events_pk PRIMARY KEY (project_id, customer_id, id),
    CONSTRAINT custom_events_customer_fk FOREIGN KEY (project_id, customer_id) REFERENCES customers (project_id, id)
);
CREATE INDEX custom_events_created_at_idx ON custom_events (project_id, created_at, id);

CREATE TABLE customer_event_counts (
    project_id bigint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT customer_event_counts_pk PRIMARY KEY (project_id, customer_id, type)
);
COMMENT ON TABLE customer_event_counts IS
    'how many custom events of each name a customer has, for filters; every new event updates its count';

-- ---------------------------------------------------------------------------------------------- activity
CREATE TABLE customer_activity (
    project_id bigint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    group_id text COLLATE "C" NOT NULL,
    data text NOT NULL,
    referrer_id text COLLATE "C",
    referrer text,
    created_at timestamptz NOT NULL,
    app_id text COLLATE "C",
    channel text COLLATE "C",
    CONSTRAINT customer_activity_pk PRIMARY KEY (project_id, customer_id, id),
    CONSTRAINT customer_activity_referrer_fk FOREIGN KEY (project_id, referrer_id) REFERENCES customers (project_id, id)
);
CREATE INDEX customer_activity_referrer_idx ON customer_activity (project_id, referrer_id) WHERE referrer_id IS NOT NULL;
COMMENT ON TABLE customer_activity IS
    'the activity log of customers. It has no foreign key to the customer, because the check would make the creation of a customer '
    'a quarter more expensive';
COMMENT ON COLUMN customer_activity.id IS 'evcus_..., time-ordered, so the primary key is also the order of the entries';
COMMENT ON COLUMN customer_activity.group_id IS 'the id of the request that caused the entry';
COMMENT ON COLUMN customer_activity.data IS
    'JSON that the emulator wrote and passes on unchanged; text, so that PostgreSQL does not parse it at every write';
COMMENT ON COLUMN customer_activity.referrer_id IS 'the second customer that the entry names';
COMMENT ON COLUMN customer_activity.referrer IS
    'JSON of the second customer, separate from data so that the erasure of that customer can clear it';
COMMENT ON COLUMN customer_activity.app_id IS 'the server key of the request that caused the entry';
COMMENT ON COLUMN customer_activity.channel IS 'the API of the request that caused the entry; null means API';

-- ---------------------------------------------------------------------------------------------- segments
-- The members of a filtered segment are stored like those of a static one, and every write of a customer, an order or an event
-- updates the membership of the customer. This needs two things: a writer must know all filters of the project, and the creation of
-- a segment must see all customers. Therefore every write holds the rules lock of the project in shared mode. Every change of the
-- rules (the filtered segments and the metadata schemas) holds it exclusively and increments projects.rules_version, from which
-- writers notice that their cached rules are out of date.
CREATE TABLE segments (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    type text COLLATE "C" NOT NULL,
    filter json,
    created_at timestamptz NOT NULL,
    updated_at timestamptz,
    evaluated_at timestamptz,
    CONSTRAINT segments_pk PRIMARY KEY (project_id, id),
    CONSTRAINT segments_type_check CHECK (type IN ('static', 'auto-update', 'passive'))
);
CREATE INDEX segments_created_at_idx ON segments (project_id, created_at, id);
COMMENT ON COLUMN segments.evaluated_at IS
    'for a segment whose filter depends on the current time: when all its members were last correct';

-- There are no foreign keys, because their checks would cost as much as the rows. A member is added under the lock of the
-- customer's row or under the rules lock, and a filtered segment is deleted under the rules lock.
CREATE TABLE segment_members (
    project_id bigint NOT NULL,
    segment_id text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    customer_created_at timestamptz NOT NULL,
    CONSTRAINT segment_members_pk PRIMARY KEY (project_id, customer_id, segment_id)
);
CREATE INDEX segment_members_page_idx ON segment_members (project_id, segment_id, customer_created_at, customer_id);
COMMENT ON COLUMN segment_members.customer_created_at IS
    'a copy of the customer''s created_at, which never changes, so that a page of members is read in order from one index';

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
    'the dates in profiles and metadata that a filter of the project compares with the current time, so that an index finds the '
    'customers whose membership changes as time passes. Only fields that such a filter uses are stored';
COMMENT ON COLUMN customer_moments.month_day IS 'month * 100 + day in UTC, for anniversaries';

-- ---------------------------------------------------------------------------------------------- consents
CREATE TABLE consents (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    category text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    updated_at timestamptz,
    CONSTRAINT consents_pk PRIMARY KEY (project_id, id)
);
COMMENT ON TABLE consents IS
    'definitions of consents. At the vendor they are made in the dashboard; here the first use of an id creates one, or the '
    'emulator''s own API does';
COMMENT ON COLUMN consents.updated_at IS 'null until the definition is changed';

CREATE TABLE consent_groups (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz,
    CONSTRAINT consent_groups_pk PRIMARY KEY (project_id, id)
);
COMMENT ON TABLE consent_groups IS 'the groups in which the vendor''s dashboard shows consents';

CREATE TABLE consent_group_members (
    project_id bigint NOT NULL,
    group_id text COLLATE "C" NOT NULL,
    consent_id text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT consent_group_members_pk PRIMARY KEY (project_id, group_id, consent_id),
    CONSTRAINT consent_group_members_group_fk FOREIGN KEY (project_id, group_id) REFERENCES consent_groups (project_id, id),
    CONSTRAINT consent_group_members_consent_fk FOREIGN KEY (project_id, consent_id) REFERENCES consents (project_id, id)
);
CREATE INDEX consent_group_members_consent_idx ON consent_group_members (project_id, consent_id);
COMMENT ON COLUMN consent_group_members.position IS 'the place of the consent in the list of its group';

CREATE TABLE customer_consents (
    project_id bigint NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    consent_id text COLLATE "C" NOT NULL,
    given boolean NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT customer_consents_pk PRIMARY KEY (project_id, customer_id, consent_id),
    CONSTRAINT customer_consents_customer_fk FOREIGN KEY (project_id, customer_id) REFERENCES customers (project_id, id),
    CONSTRAINT customer_consents_consent_fk FOREIGN KEY (project_id, consent_id) REFERENCES consents (project_id, id)
);
CREATE INDEX customer_consents_consent_idx ON customer_consents (project_id, consent_id);

-- ---------------------------------------------------------------------------------------------- metadata schemas
-- A schema defines the keys of the metadata of a resource or of a custom event. Its definitions are one document, because they are
-- read, checked and written together, and a project has few schemas.
CREATE TABLE metadata_schemas (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    related_object text COLLATE "C" NOT NULL,
    properties json NOT NULL,
    allow_defined_only boolean,
    created_at timestamptz NOT NULL,
    updated_at timestamptz,
    CONSTRAINT metadata_schemas_pk PRIMARY KEY (project_id, id),
    CONSTRAINT metadata_schemas_related_object_key UNIQUE (project_id, related_object)
);
COMMENT ON COLUMN metadata_schemas.properties IS 'definitions by key, including those that were removed; json keeps their order';
COMMENT ON COLUMN metadata_schemas.allow_defined_only IS 'null until it is set, which means false';
COMMENT ON COLUMN metadata_schemas.updated_at IS 'null until the first change';

CREATE TABLE custom_event_schemas (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    properties json NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz,
    CONSTRAINT custom_event_schemas_pk PRIMARY KEY (project_id, id),
    CONSTRAINT custom_event_schemas_name_key UNIQUE (project_id, name)
);
COMMENT ON COLUMN custom_event_schemas.name IS 'the name of the custom event';
COMMENT ON COLUMN custom_event_schemas.properties IS 'definitions by key, as in metadata_schemas';

-- ---------------------------------------------------------------------------------------------- jobs
-- The queue of all background work, and the results of that work.
--
-- A job is accepted by writing first its slices, which hold the records to process, and last its row. A worker looks for a job that
-- is the first unfinished one of its project and whose row is not locked, and processes one slice of it in one transaction: under
-- the lock of the job's row it applies the slice, deletes it, stores what there is to report, and updates the counts. The lock is
-- the lease of the job. PostgreSQL ends it when the connection of a dead worker closes, or when it ends the transaction of a worker
-- that hangs (idle_in_transaction_session_timeout). The work on the slice is rolled back with it, so the next worker begins after
-- the last committed slice, and each record is applied once.
CREATE SEQUENCE jobs_numbers;
CREATE TABLE jobs (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    number bigint NOT NULL DEFAULT nextval('jobs_numbers'),
    type text COLLATE "C" NOT NULL,
    parameters json,
    app_id text COLLATE "C" NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    token text COLLATE "C" NOT NULL,
    records bigint NOT NULL,
    processed_count bigint NOT NULL DEFAULT 0,
    succeeded_count bigint NOT NULL DEFAULT 0,
    failed_count bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    outcome text COLLATE "C",
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz,
    results_removed boolean NOT NULL DEFAULT false,
    trace_context text,
    CONSTRAINT jobs_pk PRIMARY KEY (project_id, id),
    CONSTRAINT jobs_outcome_check CHECK (outcome IN ('DONE', 'FAILED'))
);
CREATE INDEX jobs_queue_idx ON jobs (project_id, number) WHERE outcome IS NULL;
CREATE INDEX jobs_async_actions_idx ON jobs (project_id, created_at, id) WHERE type <> 'EXPORT';
CREATE INDEX jobs_exports_idx ON jobs (project_id, created_at, id) WHERE type = 'EXPORT';
CREATE INDEX jobs_expiry_idx ON jobs (project_id, expires_at) WHERE NOT results_removed;
COMMENT ON COLUMN jobs.id IS 'aa_... for an async action, exp_... for an export';
COMMENT ON COLUMN jobs.number IS 'the order of arrival within the project: assigned under a lock that is held until the commit';
COMMENT ON COLUMN jobs.app_id IS 'the server key of the request that created the job; request_id is the id of that request';
COMMENT ON COLUMN jobs.token IS 'authorizes the download of the results and nothing else';
COMMENT ON COLUMN jobs.records IS 'how many records the job has to process; 0 when they are not counted';
COMMENT ON COLUMN jobs.processed_count IS 'how many of the records were processed';
COMMENT ON COLUMN jobs.attempts IS 'how often a job without slices has failed';
COMMENT ON COLUMN jobs.outcome IS 'null until the job is finished';
COMMENT ON COLUMN jobs.expires_at IS 'when the results are removed; null while the job is not finished, or when the results stay';
COMMENT ON COLUMN jobs.results_removed IS 'whether the results were removed because they had expired';
COMMENT ON COLUMN jobs.trace_context IS
    'the traceparent (W3C Trace Context) of the request that created the job, without the tracestate, in which a caller can write any text; '
    'null when the request was part of no trace';

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
-- A slice is written once and mostly read once, and an erasure writes it again, so compressing it would cost more than writing it.
-- Only PostgreSQL 16 and later accept STORAGE in CREATE TABLE.
ALTER TABLE job_slices
    ALTER COLUMN records SET STORAGE EXTERNAL,
    ALTER COLUMN customer_ids SET STORAGE EXTERNAL,
    ALTER COLUMN source_ids SET STORAGE EXTERNAL,
    ALTER COLUMN referrer_ids SET STORAGE EXTERNAL,
    ALTER COLUMN referrer_source_ids SET STORAGE EXTERNAL;
COMMENT ON TABLE job_slices IS 'the records that a job has still to process: the transaction that applies a slice also deletes it';
COMMENT ON COLUMN job_slices.number IS 'the number of its first record, counted from 1; the other records follow';
COMMENT ON COLUMN job_slices.records IS 'JSON that the emulator wrote; null when the customer of the record was erased meanwhile';
COMMENT ON COLUMN job_slices.customer_ids IS
    'the customer that each record names by id, and source_ids the one that it names by source id, so that the erasure of a customer '
    'finds its records. Each array is as long as records, or empty when no record of the slice names a customer that way';
COMMENT ON COLUMN job_slices.referrer_ids IS
    'the referrer that each record names by id, and referrer_source_ids the one that it names by source id';

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
-- The results are written once and mostly read once, so compressing them would cost more than writing them. Only PostgreSQL 16 and
-- later accept STORAGE in CREATE TABLE.
ALTER TABLE job_results
    ALTER COLUMN lines SET STORAGE EXTERNAL,
    ALTER COLUMN customer_ids SET STORAGE EXTERNAL,
    ALTER COLUMN source_ids SET STORAGE EXTERNAL,
    ALTER COLUMN referrer_ids SET STORAGE EXTERNAL;
COMMENT ON COLUMN job_results.part IS
    'file: lines of the CSV file that can be downloaded; failed: JSON of the records that failed';
COMMENT ON COLUMN job_results.number IS 'the order of the rows within the part';
COMMENT ON COLUMN job_results.lines IS
    'null where the customer was erased; the other arrays hold the customers of each line, as in job_slices';
COMMENT ON COLUMN job_results.referrer_ids IS
    'in the part file: the referrer whose id the line shows beside the customer, which an erasure takes out of the line; in the part '
    'failed: the second customer of an order, whose erasure removes the line like that of the first';

-- ---------------------------------------------------------------------------------------------- permanent deletions
CREATE TABLE permanent_deletions (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    erased_customer_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    events bigint NOT NULL,
    customer_events bigint NOT NULL,
    daily_events bigint NOT NULL,
    segments bigint NOT NULL,
    orders bigint NOT NULL,
    order_events bigint NOT NULL,
    removed json NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT permanent_deletions_pk PRIMARY KEY (project_id, id)
);
CREATE INDEX permanent_deletions_created_at_idx ON permanent_deletions (project_id, created_at, id);
COMMENT ON TABLE permanent_deletions IS
    'the records of erasures: how many rows were removed, and the cust_ or ucust_ id that no longer exists; nothing else about the '
    'customer';
COMMENT ON COLUMN permanent_deletions.removed IS
    'the number of rows that the erasure removed, by table; of a table that holds many records or lines in one row, the number of those';
COMMENT ON COLUMN permanent_deletions.xid IS
    'the transaction of the erasure, by which an export finds the customers that it has read but that were erased meanwhile';

-- ---------------------------------------------------------------------------------------------- pending work
-- On a database whose tables are distributed over several servers, a worker would have to ask every server for its next job or its due
-- deliveries. It reads this table instead, which is on one server. On every other database the table stays empty, because the
-- indexes of jobs and webhook_deliveries answer the same.
--
-- A writer notes its project here before the transaction that adds a job or a delivery, in a transaction of its own, so that nothing
-- is missed when a process or a server ends between two commits. A worker that finds nothing to do in a project removes the row, or sets
-- the time when something is due, but only when the last note is older than every transaction may be that could follow it.
CREATE TABLE pending_work (
    project_id bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    due_at timestamptz NOT NULL,
    noted_at timestamptz NOT NULL,
    CONSTRAINT pending_work_pk PRIMARY KEY (project_id, kind),
    CONSTRAINT pending_work_kind_check CHECK (kind IN ('job', 'delivery'))
);
CREATE INDEX pending_work_due_idx ON pending_work (kind, due_at);
COMMENT ON TABLE pending_work IS
    'on a distributed database: the projects that may have a job to run or a delivery to send, and since when or from when on';
COMMENT ON COLUMN pending_work.due_at IS 'real time: a worker does not look at the project before';
COMMENT ON COLUMN pending_work.noted_at IS 'real time, when a writer last noted the project';

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
    CONSTRAINT webhooks_kind_check CHECK (kind IN ('webhook', 'distribution'))
);
COMMENT ON COLUMN webhooks.id IS 'wh_... for a project webhook, distr_... for a distribution';
COMMENT ON COLUMN webhooks.name IS
    'for a distribution: the type that its messages show; null means the type of the event';
COMMENT ON COLUMN webhooks.active IS 'set to false automatically when the last attempt of a delivery has failed';
COMMENT ON COLUMN webhooks.deleted_at IS 'from then on no request finds it; the row stays until its deliveries are deleted';

-- A delivery is written in the transaction of the change that it reports, and keeps the outcome of its attempts. The message is not
-- stored: each attempt builds it, with the same bytes, from the activity entry, and the erasure of the customer deletes that entry.
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
    trace_context text,
    CONSTRAINT webhook_deliveries_pk PRIMARY KEY (project_id, webhook_id, id)
) WITH (fillfactor = 70);
-- The delivery worker reads the due deliveries of each webhook separately, so that a long queue of one webhook does not delay the
-- deliveries of another.
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (project_id, webhook_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_failed_idx ON webhook_deliveries (project_id, webhook_id, id) WHERE outcome = 'FAILED';
CREATE INDEX webhook_deliveries_customer_idx ON webhook_deliveries (project_id, customer_id);
COMMENT ON TABLE webhook_deliveries IS
    'written with every change that a webhook subscribes to, so it has only the indexes that it needs, and no check constraints, '
    'which PostgreSQL reads again for every statement';
COMMENT ON COLUMN webhook_deliveries.id IS 'whs_..., time-ordered; the same in every attempt';
COMMENT ON COLUMN webhook_deliveries.entry_id IS 'the activity entry that the message is built from';
COMMENT ON COLUMN webhook_deliveries.due_at IS 'when the next attempt is due; null when there is none';
COMMENT ON COLUMN webhook_deliveries.outcome IS 'DELIVERED or FAILED; null while due_at is set';
COMMENT ON COLUMN webhook_deliveries.failures IS 'how many attempts have failed since the delivery was last put into the queue';
COMMENT ON COLUMN webhook_deliveries.round IS
    'how often the delivery was put into the queue again; an attempt of an earlier round that ends late does not finish this one';
COMMENT ON COLUMN webhook_deliveries.first_attempt_at IS 'the times of the retries are counted from here';
COMMENT ON COLUMN webhook_deliveries.attempts IS
    'JSON objects that the emulator wrote, separated by commas; only the last ones when the text grows long';
COMMENT ON COLUMN webhook_deliveries.trace_context IS
    'the place in a trace (W3C Trace Context) of the request that caused the delivery, which its attempts hand on: the traceparent, and '
    'after a space the tracestate. Null when the request was part of no trace';
