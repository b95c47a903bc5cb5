"""Regressions of many groups, beside those of others."""
