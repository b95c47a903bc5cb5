"""Yours: what the service does at start-up and for each call of /run."""
