"""The service: Flask in front of verified models and the team's serve.py."""
