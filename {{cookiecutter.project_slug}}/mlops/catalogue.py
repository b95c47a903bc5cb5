{% include "catalogue.py" %}
