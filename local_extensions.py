"""What cookiecutter.json's private variables ask of each answer, as soon as it is given.

Answers are data. An answer is refused in one line with nothing created, or ends up in the files as
it was typed: Jinja marks in it are text, never a template.
"""

import json
import keyword
import re
import sys
import unicodedata
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import Extension
from slugify import slugify

HERE = Path(__file__).parent
TREE = "{{cookiecutter.project_slug}}"
SLUG = re.compile(r"[a-z][a-z0-9_]{0,29}")
LONGEST_SLUG = 30
# Folders of the tree, device names of Windows, and import names that differ from their package.
TAKEN = frozenset(
    "dataset_creation docs mlops models notebooks serve src tests local_assets main setup "
    "conftest sklearn yaml dotenv pil ruamel azure google git gitdb dateutil jwt attr "
    "mpl_toolkits pylab bin pkg_resources setuptools wheel pip distutils importlinter "
    "msal_extensions opentelemetry py mypyc psycopg_binary pythoncom win32 xgboost flask_cors "
    "graphql graphql_relay pandera pythonjsonlogger uv databricks markdown_it mdurl lib site test "
    "usr var etc tmp con prn aux nul com1 lpt1".split()
)


class Answers(Extension):
    """The filters; and answers given on the command line, or replayed, taken literally."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters |= {
            "as_slug": as_slug,
            "model_names": model_names,
            "one_line": one_line,
            "one_of": one_of,
            "quoted": quoted,
            "valid_slug": valid_slug,
        }
        defaults = json.loads((HERE / "cookiecutter.json").read_text(encoding="utf-8"))
        self._ours = {value for value in defaults.values() if isinstance(value, str)} | {TREE}

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Cookiecutter renders answers that come from its command line: keep them as they are."""
        is_answer = (
            name is None
            and self.environment.loader is None  # later than the prompts, it has one
            and source not in self._ours
            and not source.startswith("# A hook of the template")
        )
        return escaped(source) if is_answer and "{" in source else source


def escaped(text: str) -> str:
    """A template that renders to `text`."""
    return text.replace("{", "{{ '{' }}")


def refuse(message: str) -> None:
    """End with one line; cookiecutter has created nothing yet."""
    sys.exit(f"error: {message}")


def one_of(answer: str, known: dict[str, object], prompt: str) -> str:
    if answer.strip() not in known:
        refuse(f"{prompt}: {shown(answer)} is none of {', '.join(known)}.")
    return answer.strip()


def one_line(answer: str, prompt: str, longest: int) -> str:
    """Some text on one line, without the blanks around it."""
    text = answer.strip()
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
    slug = cut(slugify(name, separator="_"), LONGEST_SLUG)
    if not SLUG.fullmatch(slug):
        slug = cut(f"project_{slug}", LONGEST_SLUG)
    return f"{cut(slug, LONGEST_SLUG - 8)}_project" if slug_problem(slug) else slug


def cut(slug: str, longest: int) -> str:
    return slug[:longest].rstrip("_")


def valid_slug(answer: str) -> str:
    problem = slug_problem(answer)
    if problem:
        refuse(f"project_slug: {shown(answer)} {problem}.")
    return answer


def slug_problem(slug: str) -> str:
    """Why Python could not import a package of that name beside the others; empty if it could."""
    if not SLUG.fullmatch(slug):
        return f"must be a-z, 0-9 and _, start with a letter, {LONGEST_SLUG} characters at most"
    if keyword.iskeyword(slug) or keyword.issoftkeyword(slug):
        return "is a keyword of Python"
    if slug in sys.stdlib_module_names:
        return "is a module of Python's standard library"
    if slug in TAKEN:
        return "is a name that the project uses itself"
    if slug in pinned_packages():
        return "is a package that the project uses"
    return ""


def pinned_packages() -> set[str]:
    lines = (HERE / TREE / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {re.split(r"[=;\s]", line)[0].replace("-", "_").lower() for line in lines if line}


def model_names(answer: str, known: list[str]) -> str:
    """The chosen models, a blank between them."""
    names = [name.strip() for name in answer.split(",") if name.strip()]
    if not names:
        refuse(f"models: name at least one of {', '.join(known)}.")
    for name in names:
        if name not in known:
            refuse(f"models: {shown(name)} is none of {', '.join(known)}.")
    return " ".join(dict.fromkeys(names))


def quoted(text: str) -> str:
    """A double-quoted string that YAML, TOML and Python all read back as `text`."""
    characters = json.dumps(text, ensure_ascii=False)
    return "".join(c if c == " " or c.isprintable() else escape(c) for c in characters)


def escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def shown(answer: str) -> str:
    """An answer in a message: quoted, on one line, cut where it is long."""
    text = ascii(answer) if not answer.isprintable() else repr(answer)
    return text if len(text) <= 60 else f"{text[:57]}..."
