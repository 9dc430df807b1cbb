-- Consents as the vendor's dashboard defines them, and the groups that it shows them in. Nothing here hangs on a customer.
ALTER TABLE consents
    ADD COLUMN description text NOT NULL DEFAULT '',
    ADD COLUMN category text NOT NULL DEFAULT '',
    ADD COLUMN updated_at timestamptz;
COMMENT ON TABLE consents IS
    'the vendor defines consents in its dashboard; here the first use of an id defines it, or the emulator''s own surface';
COMMENT ON COLUMN consents.updated_at IS 'null until a definition is changed';

CREATE TABLE consent_groups (
    project_id bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz,
    CONSTRAINT consent_groups_pk PRIMARY KEY (project_id, id)
);

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
COMMENT ON COLUMN consent_group_members.position IS 'the order in which the group names its consents';
