"""What the plumbing raises for a person to read."""


class ProjectError(Exception):
    """What is wrong, where, and what to do about it, in one line."""

    status = 500  # of the HTTP answer, where a request meets it


class InputError(ProjectError):
    """A caller of the service sent something it cannot answer."""

    status = 400


class NotFound(ProjectError):
    """What the caller asked for is not there."""

    status = 404


class TooMuch(ProjectError):
    """A request asks for more than the service takes on at once."""

    status = 422


class Unavailable(ProjectError):
    """Something that the answer needs is away for now."""

    status = 503
