{% with key = "runner_id", entity = "runner" %}
{% include "serve_lookup.py" %}
{% endwith %}
