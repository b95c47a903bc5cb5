"""Build the images of the service and of the models, and run their containers."""
