"""A stand-in for GitHub's command line: comments, pull requests and what else it is asked, noted.

A token says what it permits: `ghs_contents:read+pull-requests:write`.
"""

import json
import os
import sys
from pathlib import Path

NEEDED = {
    ("pr", "comment"): "pull-requests:write",
    ("pr", "create"): "pull-requests:write",
    ("pr", "edit"): "pull-requests:write",
    ("pr", "list"): "pull-requests:read",
    ("pr", "view"): "pull-requests:read",
    ("issue", "create"): "issues:write",
    ("workflow", "run"): "actions:write",
}
FILES = ("--body-file", "-F")
SHOWN = {("pr", "create"): "https://github.com/team/project/pull/2"}


def main(words: list[str], notes: Path) -> int:
    permitted = (os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN") or "").strip()
    if not permitted:
        print("To use GitHub CLI in a GitHub Actions workflow, set GH_TOKEN.", file=sys.stderr)
        return 4
    what = tuple(words[:2])
    if what not in NEEDED:
        print(f"gh {' '.join(what)} is not emulated.", file=sys.stderr)
        return 2
    scope, level = NEEDED[what].split(":")
    given = dict(one.split(":") for one in permitted.removeprefix("ghs_").split("+") if ":" in one)
    if given.get(scope) != "write" and given.get(scope) != level:
        print("HTTP 403: Resource not accessible by integration", file=sys.stderr)
        return 1
    with (notes / "gh.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"words": words, "body": body_of(words)}) + "\n")
    print(SHOWN.get(what, ""))
    return 0


def body_of(words: list[str]) -> str:
    """The text of a comment, of a pull request or of an issue."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in ("--body", "-b"):
            return following
        if word in FILES:
            return sys.stdin.read() if following == "-" else Path(following).read_text("utf-8")
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ["WORLD_NOTES"])))
