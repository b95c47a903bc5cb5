"""From a feature store or a file to validated datasets."""
