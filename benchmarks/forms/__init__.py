"""Personal data in forms: our model, its rules alone, and Presidio, on the same held-out forms."""
