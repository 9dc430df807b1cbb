-- Removes orders that are deleted with their customer from the records that jobs have still to process: a record that changes such
-- an order without naming a customer would create the order again. order_names holds the ids and the source ids of the orders.
CREATE OR REPLACE FUNCTION erase_orders_from_job_slices(project bigint, order_names text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE job_slices SET records = (
        SELECT array_agg(CASE WHEN is_erased THEN NULL ELSE record END ORDER BY place)
        FROM unnest(job_slices.records) WITH ORDINALITY AS item (record, place),
             LATERAL (SELECT record::json -> 'customer' IS NULL
                      AND coalesce(record::json ->> 'id', record::json ->> 'source_id') = ANY(order_names)) AS concerns (is_erased)
    )
    FROM jobs
    WHERE job_slices.project_id = project AND jobs.project_id = project AND jobs.id = job_slices.job_id
        AND jobs.type = 'ORDERS.IMPORT' AND EXISTS (
            SELECT FROM unnest(job_slices.records) AS record
            WHERE record::json -> 'customer' IS NULL
                AND coalesce(record::json ->> 'id', record::json ->> 'source_id') = ANY(order_names));
END
$$;
