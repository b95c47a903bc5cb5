"""The verb `comment-review`: the report of `review` as one comment, new at each build."""

from seedling.config import Project
from seedling.errors import ProjectError
from seedling.pull_requests import azure_devops

REPORT = "local_assets/reports/review/review.md"
MARK = "<!-- seedling-review"  # begins the report, by whose first line its comment is found again
LONGEST = 150_000  # characters of a comment
CUT = "\n\nThe rest is in the artifact `review` of this build.\n"


def put(project: Project) -> str:
    """Write the comment; return what was done, as a sentence.

    Raises:
        ProjectError: there is no report, or this is no build of a pull request.
    """
    path = project.root / REPORT
    if not path.is_file():
        raise ProjectError(f"There is no {REPORT}: run review first.")
    text = path.read_text(encoding="utf-8")
    if not text.startswith(MARK):
        raise ProjectError(f"{REPORT} does not begin with {MARK}: run review again.")
    if len(text) > LONGEST:
        text = text[: LONGEST - len(CUT)] + CUT
    number = azure_devops.pull_request_of_build()
    mark = text.splitlines()[0]  # with the slug, where the repository has several projects
    is_new = azure_devops.of_build().put_comment(number, mark, text)
    return f"Pull request {number} has {'a new' if is_new else 'its'} comment with the review."
