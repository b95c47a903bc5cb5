"""Images of the service and of the models, and the entry points of their containers."""
