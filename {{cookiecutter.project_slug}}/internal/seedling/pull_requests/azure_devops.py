"""The pull requests of a repository in Azure DevOps, as the pipeline that runs there reaches them.

The REST calls need no package: a job that only comments installs next to nothing.
"""

import json
import os
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from seedling.errors import ProjectError

TOKEN = "SYSTEM_ACCESSTOKEN"  # noqa: S105 - its name; a pipeline gives it to a step by `env`
PLACE = ("SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECTID", "BUILD_REPOSITORY_ID")
PULL_REQUEST = "SYSTEM_PULLREQUEST_PULLREQUESTID"
BRANCH = "BUILD_SOURCEBRANCH"
VERSION = "7.0"  # of the REST interface; Azure DevOps Server 2022 has it too
SECONDS = 60
REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NON_AUTHORITATIVE_INFORMATION)


class Repository(NamedTuple):
    """A repository of Azure Repos.

    Attributes:
        address: what the addresses of the REST interface begin with.
        token: of the build, good for as long as it runs.
    """

    address: str
    token: str

    def put_comment(self, pull_request: str, mark: str, text: str) -> bool:
        """Write the comment that begins with a mark: a new one, or over the one that is there.

        Its thread is closed, since it asks nothing: an open one may stop a merge.

        Args:
            pull_request: its number.
            mark: the comment's first line.
            text: the whole comment, in Markdown.

        Returns:
            True if it is new.

        Raises:
            ProjectError: Azure DevOps refuses.
        """
        threads = f"pullRequests/{quote(pull_request, safe='')}/threads"
        for thread, comment in self._comments(threads):
            if str(comment.get("content")).startswith(mark):
                at = f"{threads}/{thread}/comments/{comment['id']}"
                self._ask("PATCH", at, {"content": text})
                return False
        comment = {"parentCommentId": 0, "content": text, "commentType": "text"}
        self._ask("POST", threads, {"comments": [comment], "status": "closed"})
        return True

    def open_pull_request(
        self, source: str, target: str, title: str, text: str
    ) -> tuple[str, bool]:
        """Open a pull request, unless one of the same two branches is open.

        Args:
            source: the branch to merge.
            target: the branch that it goes to.
            title: its title.
            text: its description, in Markdown; that of an open one is replaced.

        Returns:
            (number, whether it is new)

        Raises:
            ProjectError: Azure DevOps refuses.
        """
        refs = {"sourceRefName": f"refs/heads/{source}", "targetRefName": f"refs/heads/{target}"}
        search = {f"searchCriteria.{name}": ref for name, ref in refs.items()}
        found = self._ask("GET", "pullrequests", None, search | {"searchCriteria.status": "active"})
        described = {"title": title, "description": text}
        for each in found["value"]:
            self._ask("PATCH", f"pullrequests/{each['pullRequestId']}", described)
            return str(each["pullRequestId"]), False
        made = self._ask("POST", "pullrequests", refs | described)
        return str(made["pullRequestId"]), True

    def _comments(self, threads: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield (thread, its first comment) for each thread that has one."""
        for thread in self._ask("GET", threads)["value"]:
            comments = [each for each in thread.get("comments") or [] if not each.get("isDeleted")]
            if comments and not thread.get("isDeleted"):
                yield thread["id"], comments[0]

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request and return what the answer's JSON says."""
        asked = urlencode({**(query or {}), "api-version": VERSION})
        request = Request(
            f"{self.address}/{path}?{asked}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            method=method,
        )
        try:
            with urlopen(request, timeout=SECONDS) as answer:
                if answer.status not in REFUSED:  # a page to sign in at has 203
                    return json.loads(answer.read())
                status = HTTPStatus(answer.status)
        except HTTPError as error:
            status = HTTPStatus(error.code)
            if status not in REFUSED:
                raise ProjectError(f"Azure DevOps: {_said(error)}") from None
        except (URLError, TimeoutError) as error:
            reason = getattr(error, "reason", error)
            raise ProjectError(f"Azure DevOps does not answer: {reason}") from None
        raise ProjectError(
            f"Azure DevOps refuses this build's identity ({status.value}): give the project's "
            "build service `Contribute to pull requests` on the repository."
        )


def of_build(environ: Mapping[str, str] = os.environ) -> Repository:
    """Return the repository that a pipeline builds.

    Raises:
        ProjectError: this is no step of a pipeline, or the step has no token.
    """
    *values, token = (_given(name, environ) for name in (*PLACE, TOKEN))
    collection, project, repository = values
    root = f"{collection.rstrip('/')}/{quote(project, safe='')}/_apis/git/repositories"
    return Repository(f"{root}/{quote(repository, safe='')}", token)


def pull_request_of_build(environ: Mapping[str, str] = os.environ) -> str:
    """Return the number of the pull request that a pipeline builds.

    Raises:
        ProjectError: it builds none.
    """
    return _given(PULL_REQUEST, environ)


def branch_of_build(environ: Mapping[str, str] = os.environ) -> str:
    """Return the name of the branch that a pipeline builds.

    Raises:
        ProjectError: this is no step of a pipeline.
    """
    return _given(BRANCH, environ).removeprefix("refs/heads/")


def _given(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if value:
        return value
    if name == TOKEN:
        raise ProjectError(f"{name} is not set: give it to the step, as $(System.AccessToken).")
    what = "build of a pull request" if name == PULL_REQUEST else "build"
    raise ProjectError(f"{name} is not set: this is no {what} of Azure Pipelines.")


def _said(error: HTTPError) -> str:
    """Return what an answer says of a failure, in one line."""
    try:
        words = str(json.loads(error.read())["message"])
    except (ValueError, KeyError, TypeError):
        words = str(error.reason)
    return f"{' '.join(words.split())} ({error.code})"
