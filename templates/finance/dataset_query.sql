-- A row for each person: key, target and features, named as in model.yaml.
SELECT
    persons.person_id,
    persons.age,
    persons.workclass,
    persons.education,
    persons.education_num,
    persons.marital_status,
    persons.occupation,
    persons.relationship,
    finances.capital_gain,
    finances.capital_loss,
    persons.hours_per_week,
    finances.income
FROM persons
JOIN finances ON finances.person_id = persons.person_id
ORDER BY persons.person_id
