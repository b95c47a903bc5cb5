"""What cookiecutter.json's private variables ask of each answer, as soon as it is given.

Answers are data. An answer is refused in one line with nothing created, or ends up in the files as
it was typed: Jinja marks in it are text, never a template. Cookiecutter renders answers of the
command line, of ~/.cookiecutterrc and of its Python API as if they were defaults of
cookiecutter.json, and calls nothing of a template before: its own frames are read, where answers
still stand apart (docs/decisions/0001-answers-are-checked-by-filters.md).
"""

import json
import keyword
import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from jinja2 import Environment
from jinja2.ext import Extension
from slugify import slugify

HERE = Path(__file__).parent
TREE = "{{cookiecutter.project_slug}}"
LONGEST_SLUG = 60
# Names that Windows keeps for its devices.
DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]", re.IGNORECASE)


class Answer(str):
    """A text that was given as an answer, also where it looks like a template."""

    __slots__ = ()

    def __str__(self) -> str:
        """Stay what it is: Jinja makes a text of a template's source."""
        return self


class Answers(Extension):
    """The filters; and answers given on the command line, or replayed, taken literally."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        # cruft generates two versions of the template in one process: each imports its own.
        sys.modules.pop(__name__, None)
        environment.filters |= {
            "as_slug": as_slug,
            "asset_name": asset_name,
            "folder_above": folder_above,
            "model_names": model_names,
            "one_line": one_line,
            "one_of": one_of,
            "part_names": part_names,
            "quoted": quoted,
            "script": self.script,
            "valid_slug": valid_slug,
            "within_quotes": within_quotes,
        }
        defaults = json.loads((HERE / "cookiecutter.json").read_text(encoding="utf-8"))
        hooks = {path.read_text(encoding="utf-8") for path in (HERE / "hooks").glob("*.py")}
        self._catalog = defaults["_catalog"]
        self._ours = {value for value in defaults.values() if isinstance(value, str)}
        self._ours |= {TREE, *hooks}
        context, given = asked()
        for name, default in defaults.items():
            if name.startswith("_"):
                context[name] = default  # no question, so no answer
            elif name in given:
                context[name] = Answer(as_text(context[name], name))

    def script(self, vertical: str, purpose: str) -> str:
        """Return the name of a vertical's script, empty if it has none of that purpose.

        Cookiecutter makes a folder in every project or in none: the post-generation hook puts
        `src+train.py` into its folder.
        """
        path: str = self._catalog[vertical].get("scripts", {}).get(purpose, "")
        return path.replace("/", "+")

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Cookiecutter renders answers that come from its command line: keep them as they are."""
        is_answer = isinstance(source, Answer) or (
            name is None
            and self.environment.loader is None  # later than the prompts, it has one
            and source not in self._ours
        )
        return escaped(source) if is_answer and "{" in source else source


def asked() -> tuple[dict[str, Any], set[str]]:
    """Return what cookiecutter is about to ask for, by name, and the names that have an answer.

    Both are empty where it asks for nothing.
    """
    context: dict[str, Any] = {}
    given: set[str] = set()
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        names = frame.f_locals
        if frame.f_code.co_name == "prompt_for_config" and "context" in names:
            context = names["context"]["cookiecutter"]
        for answers in (
            names.get("extra_context"),
            (names.get("config_dict") or {}).get("default_context"),
        ):
            given |= {*(answers or {})}
        frame = frame.f_back
    return context, given & {*context}


def as_text(answer: Any, prompt: str) -> str:
    """The text of an answer from Python or YAML, where `no` is a boolean and 2020 a number."""
    if isinstance(answer, str):
        return answer
    if answer is False and prompt in ("parts", "ci"):
        return "none"
    if isinstance(answer, list) and prompt in ("models", "parts"):
        return ", ".join(as_text(item, prompt) for item in answer)
    if isinstance(answer, bool) or not isinstance(answer, (int, float)):
        refuse(f"{prompt}: {shown(answer)} is no text: put it in quotes, or leave it out.")
    return str(answer)


def escaped(text: str) -> str:
    """A template that renders to `text`."""
    return text.replace("{", "{{ '{' }}")


def refuse(message: str) -> NoReturn:
    """End with one line; cookiecutter has created nothing yet."""
    sys.exit(f"error: {message}")


def one_of(answer: Any, known: Iterable[str], prompt: str) -> str:
    answer = as_text(answer, prompt)
    if answer.strip() not in known:
        refuse(f"{prompt}: {shown(answer)} is none of {', '.join(known)}.")
    return answer.strip()


def folder_above(answer: Any, prompt: str) -> str:
    """The project's own folder, or one above it: `.`, `..`, `../..` and so on."""
    found = as_text(answer, prompt).strip().replace("\\", "/").rstrip("/")
    if not re.fullmatch(r"\.|\.\.(/\.\.){0,7}", found):
        refuse(f"{prompt}: {shown(answer)} is not `.`, `..` or `../..`.")
    return found


def one_line(answer: Any, prompt: str, longest: int) -> str:
    """Some text on one line, without the blanks around it."""
    text = as_text(answer, prompt).strip()
    if not text:
        refuse(f"{prompt}: must not be empty.")
    if len(text) > longest:
        refuse(f"{prompt}: {len(text)} characters are too many; {longest} at most.")
    for character in text:
        if unicodedata.category(character) in ("Cc", "Cn", "Co", "Cs", "Zl", "Zp"):
            refuse(f"{prompt}: must be one line of printable text; it has {character!a}.")
    return text


def as_slug(name: str) -> str:
    """A valid slug for any name: `30-day readmission` -> `project_30_day_readmission`."""
    slug = slugify(name, separator="_")[:LONGEST_SLUG].rstrip("_")
    return f"project_{slug}"[:LONGEST_SLUG].rstrip("_") if slug_problem(slug) else slug


def valid_slug(answer: Any) -> str:
    answer = as_text(answer, "project_slug")
    problem = slug_problem(answer)
    if problem:
        refuse(f"project_slug: {shown(answer)} {problem}.")
    return answer


def slug_problem(slug: str) -> str:
    """Why a project cannot be called so; empty if it can."""
    if not (slug.isascii() and slug.isidentifier()) or keyword.iskeyword(slug):
        return "must be an identifier of Python: letters, digits and _, no digit first, no keyword"
    if len(slug) > LONGEST_SLUG:
        return f"has {len(slug)} characters; {LONGEST_SLUG} at most"
    if DEVICES.fullmatch(slug):
        return "is the name of a device on Windows"
    return ""


def asset_name(slug: str) -> str:
    """The slug as names of images and in Azure take it: lower case, a letter first, _ between."""
    words = re.sub("_+", "_", slug.lower()).strip("_")
    name = words if words[:1].isalpha() else f"project_{words}"
    return name[:LONGEST_SLUG].rstrip("_")


def model_names(answer: Any, known: list[str]) -> str:
    """The chosen models, a blank between them."""
    names = [name.strip() for name in as_text(answer, "models").split(",") if name.strip()]
    if not names:
        refuse(f"models: name at least one of {', '.join(known)}.")
    for name in names:
        if name not in known:
            refuse(f"models: {shown(name)} is none of {', '.join(known)}.")
    return " ".join(dict.fromkeys(names))


def part_names(answer: Any, known: list[str]) -> str:
    """The chosen parts, a blank between them; `all` and `none` may be said."""
    names = [name.strip() for name in as_text(answer, "parts").split(",") if name.strip()]
    if names == ["all"]:
        return " ".join(known)
    if names == ["none"]:
        return ""
    for name in names:
        if name not in known:
            refuse(f"parts: {shown(name)} is none of {', '.join(known)}; or say all, or none.")
    return " ".join(name for name in known if name in names)


def quoted(text: str) -> str:
    """A double-quoted string that YAML, TOML and Python all read back as `text`."""
    characters = json.dumps(text, ensure_ascii=False)
    return "".join(c if c == " " or c.isprintable() else escape(c) for c in characters)


def within_quotes(text: str) -> str:
    """What stands between the quotes of `quoted`, for a file that is TOML before it is rendered."""
    return quoted(text)[1:-1]


def escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def shown(answer: Any) -> str:
    """An answer in a message: quoted, on one line, cut where it is long."""
    text = repr(answer)
    text = text if text.isprintable() else ascii(answer)
    return text if len(text) <= 60 else f"{text[:57]}..."
