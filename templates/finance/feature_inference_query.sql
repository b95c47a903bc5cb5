-- The features of one person, for a call of /run with a person_id.
SELECT
    persons.age,
    persons.workclass,
    persons.education,
    persons.education_num,
    persons.marital_status,
    persons.occupation,
    persons.relationship,
    finances.capital_gain,
    finances.capital_loss,
    persons.hours_per_week
FROM persons
JOIN finances ON finances.person_id = persons.person_id
WHERE persons.person_id = :person_id
