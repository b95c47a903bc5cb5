{% include cookiecutter.__vertical ~ "/serve.py" %}
