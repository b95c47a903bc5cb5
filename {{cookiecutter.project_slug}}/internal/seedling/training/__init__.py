"""Training on this machine: pipeline, metrics, gate, report, runs."""
