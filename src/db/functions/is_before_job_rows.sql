-- Returns whether a single write at written_at would be as early as rows that a job has written, the last of them at last_job_row_at and
-- in a transaction at job_rows_written_at: the time of the project has not caught up with them (domain::project_time, whose rule this is).
-- Null when no job has written a row.
CREATE OR REPLACE FUNCTION is_before_job_rows(written_at timestamptz, last_job_row_at timestamptz, job_rows_written_at timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT written_at - last_job_row_at <= last_job_row_at - job_rows_written_at + interval '2 milliseconds'
           AND written_at >= job_rows_written_at
$$;
