-- Returns the time of the clock of a project when the real time is real_now: domain::project_clock, whose rule this is.
CREATE OR REPLACE FUNCTION project_time(real_now timestamptz, clock_offset_micros bigint, clock_frozen_at timestamptz)
RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(clock_frozen_at, real_now + COALESCE(clock_offset_micros, 0) * interval '1 microsecond')
$$;
