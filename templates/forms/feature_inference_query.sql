-- The text of one form, for a call of /run with a form_id.
SELECT
    forms.text
FROM forms
WHERE forms.form_id = :form_id
