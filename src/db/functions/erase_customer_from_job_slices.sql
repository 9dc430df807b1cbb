-- Erases a customer from the records that jobs have still to process: the customer's own records become null, and records of other
-- customers that name this one as referrer lose the referrer. A record that changes an order of the customer without naming a
-- customer becomes null too, because it would create the order again. erased_orders holds the ids and the source ids of the orders.
-- Returns how many records became null.
--
-- It waits for a slice that is being applied. The caller must not hold the lock of a customer, because a worker locks its slice
-- first and customers after it. No slice is split meanwhile: a split holds the rules lock exclusively.
--
-- It changes single elements of the arrays, as erase_customer_from_job_results does.
CREATE OR REPLACE FUNCTION erase_customer_from_job_slices(
    project bigint, erased_id text, erased_source_ids text[], erased_orders text[]
) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    removed_records bigint := 0;
    import_ids text[] := '{}';
    locked_job_id text;
    locked_number bigint;
    new_records text[];
    new_customer_ids text[];
    new_source_ids text[];
    new_referrer_ids text[];
    new_referrer_source_ids text[];
    erased_source_id text;
    own_places integer[];
    referrer_places integer[];
    place integer;
BEGIN
    IF erased_orders <> '{}' THEN
        import_ids := ARRAY(SELECT id FROM jobs WHERE project_id = project AND type = 'ORDERS.IMPORT' AND outcome IS NULL);
    END IF;
    -- The rows are locked in the order that the schema specifies, each before it is changed. Each is read as it is once it is locked.
    FOR locked_job_id, locked_number, new_records, new_customer_ids, new_source_ids, new_referrer_ids, new_referrer_source_ids IN
        SELECT job_id, number, records, customer_ids, source_ids, referrer_ids, referrer_source_ids FROM job_slices
        WHERE project_id = project
            AND (customer_ids && ARRAY[erased_id] OR source_ids && erased_source_ids
                 OR referrer_ids && ARRAY[erased_id] OR referrer_source_ids && erased_source_ids
                 OR job_id = ANY(import_ids) AND EXISTS (
                     SELECT FROM unnest(records) AS record
                     WHERE record::json -> 'customer' IS NULL
                         AND coalesce(record::json ->> 'id', record::json ->> 'source_id') = ANY(erased_orders)))
        ORDER BY job_id, number
        FOR UPDATE
    LOOP
        own_places := array_positions(new_customer_ids, erased_id);
        referrer_places := array_positions(new_referrer_ids, erased_id);
        FOREACH erased_source_id IN ARRAY erased_source_ids LOOP
            FOREACH place IN ARRAY array_positions(new_source_ids, erased_source_id) LOOP
                -- A record that names another customer by id may name a source id of this customer as well.
                IF new_customer_ids[place] IS NULL THEN
                    own_places := own_places || place;
                END IF;
                new_source_ids[place] := NULL;
            END LOOP;
            FOREACH place IN ARRAY array_positions(new_referrer_source_ids, erased_source_id) LOOP
                IF new_referrer_ids[place] IS NULL THEN
                    referrer_places := referrer_places || place;
                END IF;
            END LOOP;
        END LOOP;
        IF locked_job_id = ANY(import_ids) THEN
            own_places := own_places || ARRAY(
                SELECT item.place::integer FROM unnest(new_records) WITH ORDINALITY AS item (record, place)
                WHERE record::json -> 'customer' IS NULL
                    AND coalesce(record::json ->> 'id', record::json ->> 'source_id') = ANY(erased_orders));
        END IF;
        FOREACH place IN ARRAY referrer_places LOOP
            new_records[place] := (
                SELECT '{' || coalesce(string_agg(to_json(member.key)::text || ':' || member.value::text, ','
                                                  ORDER BY member.place), '') || '}'
                FROM json_each(new_records[place]::json) WITH ORDINALITY AS member (key, value, place)
                WHERE member.key <> 'referrer');
        END LOOP;
        FOREACH place IN ARRAY own_places LOOP
            new_records[place] := NULL;
            -- An array without elements stays so: it means that no record has a value.
            IF new_customer_ids <> '{}' THEN
                new_customer_ids[place] := NULL;
            END IF;
            IF new_source_ids <> '{}' THEN
                new_source_ids[place] := NULL;
            END IF;
        END LOOP;
        FOREACH place IN ARRAY own_places || referrer_places LOOP
            IF new_referrer_ids <> '{}' THEN
                new_referrer_ids[place] := NULL;
            END IF;
            IF new_referrer_source_ids <> '{}' THEN
                new_referrer_source_ids[place] := NULL;
            END IF;
        END LOOP;
        removed_records := removed_records + (SELECT count(DISTINCT p.place) FROM unnest(own_places) AS p (place));
        UPDATE job_slices SET (records, customer_ids, source_ids, referrer_ids, referrer_source_ids)
            = (new_records, new_customer_ids, new_source_ids, new_referrer_ids, new_referrer_source_ids)
        WHERE project_id = project AND job_id = locked_job_id AND number = locked_number;
    END LOOP;
    RETURN removed_records;
END
$$;
