-- Every row of a project carries its project_id, and project_id leads every primary key and every index, so that the
-- schema can be spread by it over several machines as it stands. The two directory tables, which are read before the
-- project is known, are the only exception.

-- ---------------------------------------------------------------------------------------------- directory
CREATE TABLE projects (
    id bigint GENERATED ALWAYS AS IDENTITY,
    public_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT projects_pk PRIMARY KEY (id),
    CONSTRAINT projects_public_id_key UNIQUE (public_id)
);
COMMENT ON COLUMN projects.public_id IS 'proj_..., the identifier that the vendor''s surface shows';

CREATE TABLE credentials (
    app_id text COLLATE "C" NOT NULL,
    token_sha256 bytea NOT NULL,
    project_id bigint NOT NULL,
    is_configured boolean NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT credentials_pk PRIMARY KEY (app_id),
    CONSTRAINT credentials_project_fk FOREIGN KEY (project_id) REFERENCES projects (id)
);
CREATE INDEX credentials_project_idx ON credentials (project_id);
COMMENT ON COLUMN credentials.is_configured IS 'false for a pair that came by itself, which strict authentication refuses';
COMMENT ON COLUMN credentials.token_sha256 IS 'the token itself is never stored';

-- A number per emulator process, so that the identifiers of two processes on one database never meet.
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
    'How many rows an unfiltered list has: its total is the sum over the slots. Written in the statement that adds or '
    'removes the row; a slot per connection keeps writers from waiting for each other';

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
    CONSTRAINT customers_pk PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN customers.profile IS
    'the members name to address as the vendor renders them, in its order; json, not jsonb, so that it passes through';
COMMENT ON COLUMN customers.name IS
    'name, email and city are copies out of profile for the filters of lists, written with it';
COMMENT ON COLUMN customers.metadata IS 'null until something wrote metadata; json keeps the order of the keys';
COMMENT ON COLUMN customers.orders_count IS 'summary.orders: the orders in status PAID or FULFILLED, kept with every order';
COMMENT ON COLUMN customers.updated_at IS 'null until the first update';
COMMENT ON COLUMN customers.changed_at IS 'updated_at or, until there is one, created_at: what order=updated_at sorts by';
COMMENT ON COLUMN customers.deleted_at IS 'soft deletion: the row stays, with its source_id rewritten, until it is forgotten';

CREATE UNIQUE INDEX customers_source_id_key ON customers (project_id, source_id NULLS FIRST) WHERE deleted_at IS NULL;
-- deleted_at comes along, so that the rows of a total are counted without being read.
CREATE INDEX customers_created_at_idx ON customers (project_id, created_at, id) INCLUDE (deleted_at);
CREATE INDEX customers_changed_at_idx ON customers (project_id, changed_at, id) INCLUDE (deleted_at);
CREATE INDEX customers_email_idx ON customers (project_id, email, created_at) INCLUDE (deleted_at);
CREATE INDEX customers_name_idx ON customers (project_id, name, created_at) INCLUDE (deleted_at);
CREATE INDEX customers_city_idx ON customers (project_id, city, created_at) INCLUDE (deleted_at);

-- What hangs on a customer follows. Whoever adds such a row holds the lock of the customer, or has just made it; whoever
-- forgets the customer takes that lock first. So a row whose customer is gone cannot come to be; foreign keys say so again
-- wherever they do not cost much. The permanent deletion names every one of these tables, and a test holds it against the
-- catalogue.

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
COMMENT ON COLUMN orders.amount IS 'hundredths; without discounts it is total_amount too';
COMMENT ON COLUMN orders.items IS 'as the vendor renders them; null when none were sent';

CREATE UNIQUE INDEX orders_source_id_key ON orders (project_id, source_id) WHERE source_id IS NOT NULL;
CREATE INDEX orders_created_at_idx ON orders (project_id, created_at, id);
CREATE INDEX orders_updated_at_idx ON orders (project_id, updated_at NULLS FIRST, id);
CREATE INDEX orders_customer_idx ON orders (project_id, customer_id, created_at, id) INCLUDE (status, amount)
    WHERE customer_id IS NOT NULL;
CREATE INDEX orders_referrer_idx ON orders (project_id, referrer_id) WHERE referrer_id IS NOT NULL;

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
    CONSTRAINT customer_activity_pk PRIMARY KEY (project_id, customer_id, id),
    CONSTRAINT customer_activity_referrer_fk FOREIGN KEY (project_id, referrer_id) REFERENCES customers (project_id, id)
);
CREATE INDEX customer_activity_referrer_idx ON customer_activity (project_id, referrer_id) WHERE referrer_id IS NOT NULL;
COMMENT ON TABLE customer_activity IS
    'without a foreign key to the customer, which would cost a quarter of what creating a customer costs';
COMMENT ON COLUMN customer_activity.id IS 'evcus_..., time-ordered, so the primary key is the order of the entries';
COMMENT ON COLUMN customer_activity.group_id IS 'the id of the request that caused the entry';
COMMENT ON COLUMN customer_activity.data IS
    'JSON that the emulator wrote and passes on; text, so that PostgreSQL does not read it again at every write';
COMMENT ON COLUMN customer_activity.referrer IS
    'another person named in this entry, kept apart from data so that forgetting that person can clear it';

-- ---------------------------------------------------------------------------------------------- segments
CREATE TABLE segments (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    type text COLLATE "C" NOT NULL,
    filter json,
    created_at timestamptz NOT NULL,
    updated_at timestamptz,
    CONSTRAINT segments_pk PRIMARY KEY (project_id, id),
    CONSTRAINT segments_type_check CHECK (type IN ('static', 'auto-update', 'passive'))
);
CREATE INDEX segments_created_at_idx ON segments (project_id, created_at, id);

CREATE TABLE segment_members (
    project_id bigint NOT NULL,
    segment_id text COLLATE "C" NOT NULL,
    customer_id text COLLATE "C" NOT NULL,
    customer_created_at timestamptz NOT NULL,
    CONSTRAINT segment_members_pk PRIMARY KEY (project_id, segment_id, customer_id),
    CONSTRAINT segment_members_segment_fk FOREIGN KEY (project_id, segment_id) REFERENCES segments (project_id, id),
    CONSTRAINT segment_members_customer_fk FOREIGN KEY (project_id, customer_id) REFERENCES customers (project_id, id)
);
CREATE INDEX segment_members_page_idx ON segment_members (project_id, segment_id, customer_created_at, customer_id);
CREATE INDEX segment_members_customer_idx ON segment_members (project_id, customer_id, segment_id);
COMMENT ON COLUMN segment_members.customer_created_at IS
    'the customer''s created_at, which never changes, so that a page of members is read in order from one index';

-- ---------------------------------------------------------------------------------------------- consents
CREATE TABLE consents (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT consents_pk PRIMARY KEY (project_id, id)
);
COMMENT ON TABLE consents IS 'the vendor defines consents in its dashboard; here the first use of an id defines it';

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

-- ---------------------------------------------------------------------------------------------- permanent deletions
CREATE TABLE permanent_deletions (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    forgotten_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    events bigint NOT NULL,
    customer_events bigint NOT NULL,
    daily_events bigint NOT NULL,
    segments bigint NOT NULL,
    orders bigint NOT NULL,
    order_events bigint NOT NULL,
    CONSTRAINT permanent_deletions_pk PRIMARY KEY (project_id, id)
);
COMMENT ON TABLE permanent_deletions IS 'numbers and the cust_ id that is gone, nothing else of the person';
