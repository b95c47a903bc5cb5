{% with key = "csn", entity = "patient" %}
{% include "serve_lookup.py" %}
{% endwith %}
