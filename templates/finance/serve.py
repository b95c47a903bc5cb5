{% with key = "person_id", entity = "person" %}
{% include "serve_lookup.py" %}
{% endwith %}
