"""The CI system that a verb runs in: what its steps pass on, and what its pages show."""
