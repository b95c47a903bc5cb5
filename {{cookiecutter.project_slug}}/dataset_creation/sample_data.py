{% include cookiecutter.__vertical ~ "/sample_data.py" %}
