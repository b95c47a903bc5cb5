-- The features of one runner, for a call of /run with a runner_id.
SELECT
    usage,
    fitness
FROM treadmill
WHERE runner_id = :runner_id
