{% include cookiecutter.__vertical ~ "/feature_inference_query.sql" %}
