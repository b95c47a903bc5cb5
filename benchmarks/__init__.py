"""Measured side by side, in one run, with what others do: `python -m benchmarks`."""
