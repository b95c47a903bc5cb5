-- The latest features of one patient, for a call of /run with a csn.
SELECT
    stays.age,
    stays.sex,
    stays.admission_type,
    stays.hours_since_admission,
    AVG(vital_signs.heart_rate) AS heart_rate,
    AVG(vital_signs.systolic_pressure) AS systolic_pressure,
    AVG(vital_signs.respiratory_rate) AS respiratory_rate,
    AVG(vital_signs.temperature) AS temperature,
    AVG(vital_signs.oxygen_saturation) AS oxygen_saturation,
    stays.on_oxygen
FROM stays
LEFT JOIN vital_signs ON vital_signs.csn = stays.csn
WHERE stays.csn = :csn
GROUP BY
    stays.csn,
    stays.age,
    stays.sex,
    stays.admission_type,
    stays.hours_since_admission,
    stays.on_oxygen
