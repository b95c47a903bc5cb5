"""Tables as people have them, brought to a fresh project: `python -m benchmarks.tables`."""
