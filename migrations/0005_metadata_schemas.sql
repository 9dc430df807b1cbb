-- Which keys the metadata of a resource or of a custom event has. The definitions of a schema stand in one document: they
-- are read, checked and written together, and there are few schemas in a project.

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
COMMENT ON COLUMN metadata_schemas.properties IS 'definitions by key, also those that were removed; json keeps their order';
COMMENT ON COLUMN metadata_schemas.allow_defined_only IS 'null until it is said, which means false';
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
COMMENT ON COLUMN custom_event_schemas.properties IS 'definitions by key, as in metadata_schemas';
