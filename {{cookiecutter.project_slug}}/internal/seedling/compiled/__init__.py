"""Compiled forms of models: written in training, read by the service."""
