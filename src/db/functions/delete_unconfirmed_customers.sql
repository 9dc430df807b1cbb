-- Deletes the unconfirmed customers that have one of these names as their source id or as their e-mail address: many systems use the
-- e-mail address as source id, so each name is compared with both. A null among the names has no effect.
CREATE OR REPLACE FUNCTION delete_unconfirmed_customers(project bigint, names text[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM unconfirmed_customers WHERE project_id = project AND (source_id = ANY (names) OR email = ANY (names))
$$;
