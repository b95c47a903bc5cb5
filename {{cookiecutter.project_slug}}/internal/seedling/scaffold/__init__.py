"""Adds models and parts to the project, copies and removes models.

All but copy_model and remove_model needs nothing but the standard library, since it runs before
anything is installed: in the template's hook, and as `python internal/seedling/scaffold`.
"""
