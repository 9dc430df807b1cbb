-- Erases a customer from the records that jobs have still to process: the customer's own records become null, and records of other
-- customers that name this one as referrer lose the referrer. A record that changes an order of the customer without naming a
-- customer becomes null too, because it would create the order again. erased_orders holds the ids and the source ids of the orders.
--
-- It waits for a slice that is being applied. The caller must not hold the lock of a customer, because a worker locks its slice
-- first and customers after it. No slice is split meanwhile: a split holds the rules lock exclusively.
CREATE OR REPLACE FUNCTION erase_customer_from_job_slices(
    project bigint, erased_id text, erased_source_ids text[], erased_orders text[]
) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    import_ids text[] := '{}';
    locked_job_ids text[];
    locked_numbers bigint[];
BEGIN
    IF erased_orders <> '{}' THEN
        import_ids := ARRAY(SELECT id FROM jobs WHERE project_id = project AND type = 'ORDERS.IMPORT' AND outcome IS NULL);
    END IF;
    -- Lock the slices in the order that the schema specifies, before the first one is changed.
    SELECT array_agg(job_id), array_agg(number) INTO locked_job_ids, locked_numbers
    FROM (
        SELECT job_id, number FROM job_slices
        WHERE project_id = project
            AND (customer_ids && ARRAY[erased_id] OR source_ids && erased_source_ids
                 OR referrer_ids && ARRAY[erased_id] OR referrer_source_ids && erased_source_ids
                 OR job_id = ANY(import_ids) AND EXISTS (
                     SELECT FROM unnest(records) AS record
                     WHERE record::json -> 'customer' IS NULL
                         AND coalesce(record::json ->> 'id', record::json ->> 'source_id') = ANY(erased_orders)))
        ORDER BY job_id, number
        FOR UPDATE
    ) AS locked;
    IF locked_job_ids IS NULL THEN
        RETURN;
    END IF;
    -- A statement of its own, which sees what another erasure has committed before it released the locks.
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
                    -- A record that names another customer by id may name a source id of this customer as well.
                    ELSE array_agg(CASE WHEN NOT is_own AND source_id <> ALL(erased_source_ids) THEN source_id END
                                   ORDER BY place) END,
               CASE WHEN referrer_ids = '{}' THEN '{}'
                    ELSE array_agg(CASE WHEN NOT is_own AND NOT is_referrer THEN referrer_id END ORDER BY place) END,
               CASE WHEN referrer_source_ids = '{}' THEN '{}'
                    ELSE array_agg(CASE WHEN NOT is_own AND NOT is_referrer THEN referrer_source_id END ORDER BY place) END
        FROM unnest(records, customer_ids, source_ids, referrer_ids, referrer_source_ids) WITH ORDINALITY
                 AS item (record, customer_id, source_id, referrer_id, referrer_source_id, place),
             LATERAL (SELECT coalesce(customer_id = erased_id OR customer_id IS NULL AND source_id = ANY(erased_source_ids)
                                      OR job_id = ANY(import_ids) AND record::json -> 'customer' IS NULL
                                         AND coalesce(record::json ->> 'id', record::json ->> 'source_id') = ANY(erased_orders),
                                      false),
                             coalesce(referrer_id = erased_id
                                      OR referrer_id IS NULL AND referrer_source_id = ANY(erased_source_ids), false))
                 AS concerns (is_own, is_referrer)
    )
    FROM unnest(locked_job_ids, locked_numbers) AS locked (locked_job_id, locked_number)
    WHERE project_id = project AND job_id = locked_job_id AND number = locked_number;
END
$$;
