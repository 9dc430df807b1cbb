-- Returns whether a row with that xmin was written by the current transaction. It is a function of the row, so that Citus evaluates it on
-- the server that has the row, whose transaction it is. PostgreSQL inlines it.
CREATE OR REPLACE FUNCTION is_of_this_transaction(row_xmin xid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT row_xmin::text = pg_current_xact_id()::xid::text
$$;
