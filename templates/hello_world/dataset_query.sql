-- A row for each runner: key, target and features, named as in model.yaml.
SELECT
    runner_id,
    usage,
    fitness,
    miles
FROM treadmill
ORDER BY runner_id
