"""The folder internal/ as a release of Seedling: what it holds, and how a newer one replaces it."""
