"""The same project on Azure ML: the only place that imports its SDK."""
