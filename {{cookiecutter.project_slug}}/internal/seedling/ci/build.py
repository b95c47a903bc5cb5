"""The build that a verb runs in, as the CI system's own variables describe it."""

import os
from typing import NamedTuple

GITHUB, AZURE_DEVOPS = "github", "azure_devops"


class Build(NamedTuple):
    """
    Attributes:
        system: GITHUB or AZURE_DEVOPS.
        id: of the build, or run.
        commit: that it has checked out.
        branch: without `refs/heads/`.
    """

    system: str
    id: str
    commit: str
    branch: str


def current() -> Build | None:
    """Return the build of this process; None outside of CI."""
    environ = os.environ.get
    if environ("GITHUB_ACTIONS"):
        branch = environ("GITHUB_HEAD_REF") or environ("GITHUB_REF_NAME", "")
        return Build(GITHUB, environ("GITHUB_RUN_ID", ""), environ("GITHUB_SHA", ""), branch)
    if environ("TF_BUILD"):
        branch = environ("BUILD_SOURCEBRANCH", "").removeprefix("refs/heads/")
        commit = environ("BUILD_SOURCEVERSION", "")
        return Build(AZURE_DEVOPS, environ("BUILD_BUILDID", ""), commit, branch)
    return None
