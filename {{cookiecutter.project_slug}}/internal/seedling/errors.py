"""Errors whose text is one line for the person who must act."""

from seedling.masking import masked


class ProjectError(Exception):
    """Say in one line what is wrong, where, and what to do; without the secrets in it."""

    status = 500  # of the HTTP response, if a request raises it
    exit_code = 1  # of the verb

    def __str__(self) -> str:
        return masked(super().__str__())


class OptionError(ProjectError):
    """Refuse the value of a verb's option."""

    exit_code = 2  # as click's, of an option that it does not know


class InputError(ProjectError):
    """Refuse a request whose content is invalid."""

    status = 400


class NotFound(ProjectError):
    """Refuse a request for something that does not exist."""

    status = 404


class TooMuch(ProjectError):
    """Refuse a request that exceeds a limit of the service."""

    status = 422


class Unavailable(ProjectError):
    """Report that a store or service which the answer needs does not respond."""

    status = 503
