-- Erases a customer from the results of jobs: the customer's own lines become null, and so does every line about an order that
-- failed and that names the customer; lines of other customers that show this one as referrer lose the referrer. Returns how many
-- lines became null.
--
-- It changes single elements of the arrays, because aggregating the elements of a large row again takes ten times as long, and other
-- erasures wait meanwhile.
CREATE OR REPLACE FUNCTION erase_customer_from_job_results(project bigint, erased_id text, erased_source_ids text[]) RETURNS bigint
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    removed_lines bigint := 0;
    locked_job_id text;
    locked_part text;
    locked_number bigint;
    new_lines text[];
    new_customer_ids text[];
    new_source_ids text[];
    new_referrer_ids text[];
    erased_source_id text;
    own_places integer[];
    place integer;
BEGIN
    -- The rows are locked in the order that the schema specifies, each before it is changed. Each is read as it is once it is locked.
    FOR locked_job_id, locked_part, locked_number, new_lines, new_customer_ids, new_source_ids, new_referrer_ids IN
        SELECT job_id, part, number, lines, customer_ids, source_ids, referrer_ids FROM job_results
        WHERE project_id = project
            AND (customer_ids && ARRAY[erased_id] OR source_ids && erased_source_ids OR referrer_ids && ARRAY[erased_id])
        ORDER BY job_id, part, number
        FOR UPDATE
    LOOP
        own_places := array_positions(new_customer_ids, erased_id);
        FOREACH erased_source_id IN ARRAY erased_source_ids LOOP
            own_places := own_places || array_positions(new_source_ids, erased_source_id);
        END LOOP;
        IF locked_part = 'failed' THEN
            own_places := own_places || array_positions(new_referrer_ids, erased_id);
        END IF;
        FOREACH place IN ARRAY array_positions(new_referrer_ids, erased_id) LOOP
            new_lines[place] := replace(new_lines[place], erased_id, '');
            new_referrer_ids[place] := NULL;
        END LOOP;
        FOREACH place IN ARRAY own_places LOOP
            new_lines[place] := NULL;
            -- An array without elements stays so: it means that no line has a value.
            IF new_customer_ids <> '{}' THEN
                new_customer_ids[place] := NULL;
            END IF;
            IF new_source_ids <> '{}' THEN
                new_source_ids[place] := NULL;
            END IF;
            IF new_referrer_ids <> '{}' THEN
                new_referrer_ids[place] := NULL;
            END IF;
        END LOOP;
        removed_lines := removed_lines + (SELECT count(DISTINCT p.place) FROM unnest(own_places) AS p (place));
        UPDATE job_results SET (lines, customer_ids, source_ids, referrer_ids)
            = (new_lines, new_customer_ids, new_source_ids, new_referrer_ids)
        WHERE project_id = project AND job_id = locked_job_id AND part = locked_part AND number = locked_number;
    END LOOP;
    RETURN removed_lines;
END
$$;
