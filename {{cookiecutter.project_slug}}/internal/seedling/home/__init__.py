"""The page of the project's life: `local_assets/reports/index.html`, one file without others."""
