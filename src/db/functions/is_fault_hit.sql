-- Returns whether a fault hits the match with that number, which counts from 1. The first skip matches pass. With a probability, the
-- decision depends on the seed and the number only: the first six bytes of the SHA-256 digest of 'SEED:NUMBER', as a fraction of their
-- range, must be below the probability.
CREATE OR REPLACE FUNCTION is_fault_hit(number bigint, skip bigint, probability double precision, seed bigint)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT number > skip AND (probability IS NULL OR probability >
        ('x' || encode(substring(sha256(convert_to(coalesce(seed, 0) || ':' || number, 'UTF8')) FROM 1 FOR 6), 'hex'))::bit(48)::bigint
        / 281474976710656.0::double precision)
$$;
