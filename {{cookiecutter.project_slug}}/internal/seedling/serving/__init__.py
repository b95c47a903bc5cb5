"""The scoring service: Flask in front of verified models and the team's serve.py."""

APP_DEV = "app-dev"  # the ENVIRONMENT in which nothing is loaded and answers are made up
