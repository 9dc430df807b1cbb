-- Searches every text of every row of some projects for some texts: the columns with text, with JSON and with arrays of texts. The
-- tables and columns come from the catalogue, so that new ones are searched too. Returns a row for each column of each project in
-- which it finds one of the texts, with the number of the rows in which it does, and a row without column for each table that has rows of
-- a project, with the number of these rows; a table without any has one such row without project.
--
-- The function is stable, so that its statements see one state of the database, that of the statement which calls it. Each statement is
-- for one project, which is on one server where the tables are distributed. A row is searched as a whole first, because most rows have
-- none of the texts.
CREATE OR REPLACE FUNCTION find_texts(projects bigint[], texts text[])
RETURNS TABLE (project bigint, found_table text, found_column text, row_count bigint) LANGUAGE plpgsql STABLE
SET enable_seqscan = off AS $$
DECLARE
    searched record;
    searched_project bigint;
BEGIN
    FOR searched IN
        SELECT c.relname::text AS name, owner.attname AS owner,
               array_agg(a.attname::text ORDER BY a.attnum) AS columns,
               array_agg(CASE WHEN a.atttypid IN ('text[]'::regtype, 'varchar[]'::regtype)
                              THEN format('array_to_string(t.%I, chr(1))', a.attname)
                              ELSE format('t.%I::text', a.attname) END ORDER BY a.attnum) AS texts
        FROM pg_class c
        JOIN pg_attribute owner ON owner.attrelid = c.oid
            AND owner.attname = CASE WHEN c.relname = 'projects' THEN 'id' ELSE 'project_id' END
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND a.atttypid IN ('text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text[]'::regtype,
                               'varchar[]'::regtype)
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
        GROUP BY c.oid, c.relname, owner.attname
        ORDER BY c.relname
    LOOP
        RETURN QUERY SELECT NULL::bigint, searched.name, NULL::text, 0::bigint;
        FOREACH searched_project IN ARRAY projects LOOP
            RETURN QUERY EXECUTE format(
                'SELECT %5$s::bigint, %1$L, listed.name, listed.row_count
                 FROM (SELECT count(*) AS rows, ARRAY[%3$s]::bigint[] AS hits
                       FROM (SELECT *, EXISTS (
                                 SELECT 1 FROM unnest($1) AS one (value) WHERE strpos(concat_ws(chr(1), %4$s), one.value) > 0
                             ) AS is_hit
                             FROM %1$I t WHERE t.%2$I = %5$s OFFSET 0) AS t) AS counted,
                      unnest(NULL::text || $2, counted.rows || counted.hits) AS listed (name, row_count)
                 WHERE counted.rows > 0 AND (listed.name IS NULL OR listed.row_count > 0)',
                searched.name, searched.owner,
                (SELECT string_agg(format(
                    'count(*) FILTER (WHERE t.is_hit AND EXISTS ('
                    'SELECT 1 FROM unnest($1) AS one (value) WHERE strpos(%s, one.value) > 0))', expression), ', ' ORDER BY place)
                 FROM unnest(searched.texts) WITH ORDINALITY AS listed (expression, place)),
                array_to_string(searched.texts, ', '), searched_project)
                USING texts, searched.columns;
        END LOOP;
    END LOOP;
END
$$;
