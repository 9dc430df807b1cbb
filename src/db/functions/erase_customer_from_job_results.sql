-- Erases a customer from the results of jobs: the customer's own lines become null, and so does every line about an order that
-- failed and that names the customer; lines of other customers that show this one as referrer lose the referrer.
CREATE OR REPLACE FUNCTION erase_customer_from_job_results(project bigint, erased_id text, erased_source_ids text[]) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    locked_job_ids text[];
    locked_parts text[];
    locked_numbers bigint[];
BEGIN
    -- Lock the rows in the order that the schema specifies, before the first one is changed.
    SELECT array_agg(job_id), array_agg(part), array_agg(number) INTO locked_job_ids, locked_parts, locked_numbers
    FROM (
        SELECT job_id, part, number FROM job_results
        WHERE project_id = project
            AND (customer_ids && ARRAY[erased_id] OR source_ids && erased_source_ids OR referrer_ids && ARRAY[erased_id])
        ORDER BY job_id, part, number
        FOR UPDATE
    ) AS locked;
    IF locked_job_ids IS NULL THEN
        RETURN;
    END IF;
    -- A statement of its own, which sees what another erasure has committed before it released the locks.
    UPDATE job_results SET (lines, customer_ids, source_ids, referrer_ids) = (
        SELECT coalesce(array_agg(CASE WHEN is_own THEN NULL WHEN is_referrer THEN replace(line, erased_id, '') ELSE line END
                                  ORDER BY place), '{}'),
               CASE WHEN customer_ids = '{}' THEN '{}'
                    ELSE array_agg(CASE WHEN NOT is_own THEN customer_id END ORDER BY place) END,
               CASE WHEN source_ids = '{}' THEN '{}'
                    ELSE array_agg(CASE WHEN NOT is_own THEN source_id END ORDER BY place) END,
               CASE WHEN referrer_ids = '{}' THEN '{}'
                    ELSE array_agg(CASE WHEN NOT is_own AND NOT is_referrer THEN referrer_id END ORDER BY place) END
        FROM unnest(lines, customer_ids, source_ids, referrer_ids) WITH ORDINALITY
                 AS item (line, customer_id, source_id, referrer_id, place),
             LATERAL (SELECT coalesce(customer_id = erased_id OR source_id = ANY(erased_source_ids)
                                      OR part = 'failed' AND referrer_id = erased_id, false),
                             coalesce(referrer_id = erased_id, false)) AS concerns (is_own, is_referrer)
    )
    FROM unnest(locked_job_ids, locked_parts, locked_numbers) AS locked (locked_job_id, locked_part, locked_number)
    WHERE project_id = project AND job_id = locked_job_id AND part = locked_part AND number = locked_number;
END
$$;
