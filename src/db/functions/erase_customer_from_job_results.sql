-- Erases a customer from the results of jobs: the customer's own lines become null, and so does every line about an order that
-- failed and that names the customer; lines of other customers that show this one as referrer lose the referrer.
CREATE OR REPLACE FUNCTION erase_customer_from_job_results(project bigint, erased_id text, erased_source_ids text[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
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
    WHERE project_id = project
        AND (customer_ids && ARRAY[erased_id] OR source_ids && erased_source_ids OR referrer_ids && ARRAY[erased_id]);
END
$$;
