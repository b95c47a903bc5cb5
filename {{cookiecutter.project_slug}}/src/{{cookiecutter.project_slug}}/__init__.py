"""The plumbing: everything around the team's queries, models and serve.py."""
