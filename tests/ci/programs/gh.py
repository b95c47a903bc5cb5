"""A stand-in for GitHub's command line: comments and pull requests of one repository, in notes.

A token says what it permits: `ghs_contents:read+pull-requests:write`.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NUMBER = "1"  # of the pull request
COMMENTS = re.compile(r"/?repos/[^/]+/[^/]+/issues/(?P<number>\d+)/comments(\?.*)?")
COMMENT = re.compile(r"/?repos/[^/]+/[^/]+/issues/comments/(?P<id>\d+)")
BODIES = ("--body", "-b")
FILES = ("--body-file", "-F")
REFUSED = "gh: Resource not accessible by integration (HTTP 403)"


class Hub:
    """What GitHub has, and what this token may do.

    Attributes:
        state: `comments` and `pulls`.
    """

    def __init__(self, notes: Path) -> None:
        self.path = notes / "hub.json"
        self.state: dict[str, list[dict[str, Any]]] = {"comments": [], "pulls": []}
        if self.path.exists():
            self.state = json.loads(self.path.read_text(encoding="utf-8"))

    def save(self) -> None:
        self.path.write_text(json.dumps(self.state), encoding="utf-8")

    def api(self, words: list[str]) -> list[Any]:
        """Answer a call of the API: comments of the pull request."""
        options = Options(words[1:])
        (path,) = options.rest
        method = options.one("--method", "-X") or ("POST" if options.fields else "GET")
        if COMMENTS.fullmatch(path) and method == "GET":
            need("pull-requests", "read")
            return [self.state["comments"]]
        need("pull-requests", "write")
        body = options.fields["body"]
        if COMMENTS.fullmatch(path) and method == "POST":
            return [self.comment(body)]
        found = COMMENT.fullmatch(path)
        if found and method == "PATCH":
            (known,) = [one for one in self.state["comments"] if one["id"] == int(found["id"])]
            known["body"] = body
            self.save()
            return [known]
        raise SystemExit(f"gh api {method} {path} is not emulated.")

    def comment(self, body: str) -> dict[str, Any]:
        number = 100 + len(self.state["comments"])
        made = {"id": number, "body": body, "user": {"type": "Bot", "login": "github-actions"}}
        self.state["comments"].append(made)
        self.save()
        return made

    def pull_request(self, words: list[str]) -> list[Any]:
        """Answer `gh pr list`, `gh pr create` or `gh pr comment`."""
        options = Options(words[2:])
        if words[1] == "list":
            need("pull-requests", "read")
            head = options.one("--head", "-H")
            pulls = [one for one in self.state["pulls"] if head in ("", one["headRefName"])]
            return [pulls]
        need("pull-requests", "write")
        text = options.one(*BODIES)
        file = options.one(*FILES)
        body = text or (Path(file).read_text(encoding="utf-8") if file else "")
        if words[1] == "comment":
            return [self.comment(body)]
        number = 2 + len(self.state["pulls"])
        made = {"number": number, "title": options.one("--title", "-t"), "body": body}
        made |= {"headRefName": options.one("--head", "-H"), "baseRefName": options.one("--base")}
        self.state["pulls"].append(made)
        self.save()
        return [f"https://github.com/team/project/pull/{number}"]


class Options:
    """A command's words: options with a value, fields, and the rest."""

    FLAGS = ("--fill", "--paginate", "--silent", "--slurp")

    def __init__(self, words: list[str]) -> None:
        self.given: dict[str, str] = {}
        self.fields: dict[str, str] = {}
        self.rest: list[str] = []
        left = [*words]
        while left:
            word = left.pop(0)
            if word in self.FLAGS:
                continue
            if word in ("--field", "-F", "--raw-field", "-f") and "=" in (left or [""])[0]:
                name, _, value = left.pop(0).partition("=")
                is_file = word in ("--field", "-F") and value.startswith("@")
                self.fields[name] = Path(value[1:]).read_text("utf-8") if is_file else value
            elif word.startswith("-"):
                self.given[word] = left.pop(0)
            else:
                self.rest.append(word)

    def one(self, *names: str) -> str:
        return next((self.given[name] for name in names if name in self.given), "")


def main(words: list[str], notes: Path) -> int:
    with (notes / "gh.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(words) + "\n")
    if not permitted():
        print("To use GitHub CLI in a GitHub Actions workflow, set GH_TOKEN.", file=sys.stderr)
        return 4
    if words[:2] == ["auth", "setup-git"]:
        return set_git_up()
    hub = Hub(notes)
    answered = hub.api(words) if words[0] == "api" else []
    if words[0] == "pr" and words[1] in ("list", "create", "comment"):
        answered = hub.pull_request(words)
    elif words[0] != "api":
        raise SystemExit(f"gh {' '.join(words[:2])} is not emulated.")
    query = Options(words).one("--jq", "-q")
    if "--silent" not in words:
        for value in filtered(answered, query) if query else answered:
            print(value if isinstance(value, str) else json.dumps(value))
    return 0


def permitted() -> dict[str, str]:
    """The scopes of the token and how far each goes."""
    token = (os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN") or "").strip()
    pairs = [one.split(":") for one in token.removeprefix("ghs_").split("+") if ":" in one]
    return {scope: level for scope, level in pairs} | ({"metadata": "read"} if token else {})


def need(scope: str, level: str) -> None:
    if permitted().get(scope) not in ("write", level):
        raise SystemExit(REFUSED)


def set_git_up() -> int:
    """Let git fetch, and push where the token may, though no credentials were kept."""
    kept, origin = os.environ["WORLD_OUTSIDE"], f"file://{os.environ['WORLD_ORIGIN']}"
    may_push = permitted().get("contents") == "write"
    text = f'[url "{origin}"]\n\tinsteadOf = {kept}\n' if may_push else ""
    Path(os.environ["HOME"], ".gitconfig").write_text(text, encoding="utf-8")
    return 0


def filtered(values: list[Any], query: str) -> Iterator[Any]:
    """The values that come of a filter of jq: `.[]`, `select(...)`, paths and one text."""
    for stage in stages(query):
        values = [one for value in values for one in passed(value, stage)]
    yield from values


def stages(query: str) -> list[str]:
    """A filter's parts: what stands between bars, outside of brackets and quotes."""
    found, depth, quoted = [""], 0, False
    for letter in query:
        quoted ^= letter == '"'
        depth += 0 if quoted else (letter == "(") - (letter == ")")
        if letter == "|" and not depth and not quoted:
            found.append("")
        else:
            found[-1] += letter
    return [one.strip() for one in found]


def passed(value: Any, stage: str) -> Iterator[Any]:
    selected = re.fullmatch(r"select\((.+)\)", stage)
    starts = re.fullmatch(r'startswith\("(.*)"\)', stage)
    equal = re.fullmatch(r'(\.[\w.]+) == "(.*)"', stage)
    if stage == ".[]":
        yield from value
    elif selected:
        if any(filtered([value], selected[1])):
            yield value
    elif starts:
        yield str(value).startswith(starts[1])
    elif equal:
        yield at(value, equal[1]) == equal[2]
    elif re.fullmatch(r"\.[\w.]*", stage):
        yield at(value, stage)
    elif stage.startswith('"'):
        yield re.sub(r"\\\((\.[\w.]+)\)", lambda found: str(at(value, found[1])), stage[1:-1])
    else:
        raise SystemExit(f"jq: {stage} is not emulated.")


def at(value: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        value = value[name]
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ["WORLD_NOTES"])))
