"""Reading and proposal of days and times, and the parts of them that a model learns from."""
