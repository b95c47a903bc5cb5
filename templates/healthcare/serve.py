{% include "serve_lookup.py" %}
