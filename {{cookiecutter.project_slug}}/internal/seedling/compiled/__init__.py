"""The compiled form of models: written in training, read by the service."""
