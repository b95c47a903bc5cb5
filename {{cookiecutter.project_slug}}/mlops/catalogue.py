{% include cookiecutter.__task ~ "/catalogue.py" %}
