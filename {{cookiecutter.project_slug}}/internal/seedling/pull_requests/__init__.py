"""Pull requests of the system that a build runs in: comments on them, and new ones."""
