-- A form each row: its key, its text, what is personal in it (JSON), and the axis by which it is held out.
SELECT
    forms.form_id,
    forms.text,
    forms.spans,
    forms.axis
FROM forms
ORDER BY forms.form_id
