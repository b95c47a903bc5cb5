{% include cookiecutter.__vertical ~ "/dataset_query.sql" %}
