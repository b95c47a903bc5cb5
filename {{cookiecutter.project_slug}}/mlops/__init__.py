"""The ops plumbing: it runs the steps, and is the only place that may import azure."""
