"""What the plumbing raises for a person to read."""


class ProjectError(Exception):
    """What is wrong, where, and what to do about it, in one line."""


class InputError(ProjectError):
    """A caller of the service sent something it cannot answer; HTTP 400."""


class NotFound(ProjectError):
    """What the caller asked for is not there; HTTP 404."""


class Unavailable(ProjectError):
    """Something that the answer needs is away for now; HTTP 503."""


class TooMuch(ProjectError):
    """A request asks for more than the service takes on at once; HTTP 422."""
