"""Every row gets an answer: a line of `batch-score`, and over HTTP as a person would type it."""

import csv
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from benchmarks.servers import free_port
from benchmarks.tables.project import RefusedError, Trained, verb

PATIENCE = 60.0  # seconds until the service must answer
TYPED = 200  # rows that are sent one by one


def faults(trained: Trained, rows: list[dict[str, Any]], path: Path) -> list[str]:
    """What is wrong with the answers; empty where every row has one.

    Args:
        trained: its best model answers.
        rows: of the original file, as texts or typed values.
        path: that file.
    """
    found, by_row, rejected = _batch(trained, path, len(rows))
    with serving(trained.root) as address:
        for number, row in _typed(rows):
            status, said = ask(f"{address}/run", row)
            if status == 200:
                answer = said["outputs"]["predictions"][0]
                if not _same(answer, by_row.get(number)):
                    found.append(f"row {number}: /run {answer}, in batch {by_row.get(number)}")
            elif number not in rejected:
                found.append(f"row {number}: /run {status} {str(said)[:200]}")
        found += _page(address, rows[0])
    return found


def _typed(rows: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """The first rows, and as many of those with the most gaps, with their numbers from 1 on."""
    numbered = list(enumerate(rows, 1))
    gaps = [sum(value in ("", None) for value in row.values()) for row in rows]
    most = sorted(numbered[TYPED // 2 :], key=lambda each: -gaps[each[0] - 1])
    return numbered[: TYPED // 2] + most[: TYPED // 2]


def _batch(
    trained: Trained, path: Path, count: int
) -> tuple[list[str], dict[int, str], dict[int, str]]:
    """Score the original file: the faults, the answer of each row, the reason of each reject."""
    out = trained.root / "scored.csv"
    rejects = trained.root / "scored.rejects.csv"
    for each in (out, rejects):
        each.unlink(missing_ok=True)
    found = []
    try:
        verb(trained.root, "batch-score", str(path), str(out))
    except RefusedError as error:
        if not rejects.exists():
            return [f"batch-score: {error}"], {}, {}
    answered = {int(row["row"]): row["prediction"] for row in _lines(out)}
    rejected = {int(row["row"]): f"{row['column']}: {row['reason']}" for row in _lines(rejects)}
    missing = set(range(1, count + 1)) - {*answered, *rejected}
    if missing:
        found.append(f"batch-score: no line for {len(missing)} rows, such as {sorted(missing)[:3]}")
    extra = {*answered, *rejected} - set(range(1, count + 1))
    if extra:
        found.append(f"batch-score: rows beyond {count}: {sorted(extra)[:3]}")
    return found, answered, rejected


def _same(one: Any, other: str | None) -> bool:
    """Whether an answer over HTTP is that of the batch file."""
    if other is None:
        return False
    return str(one) == other or (isinstance(one, float) and math.isclose(one, float(other)))


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


class _Form(HTMLParser):
    """The fields of the first form of the page, by feature: how it is read, and its value."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, dict[str, Any]] = {}
        self.model = ""
        self._name = ""
        self._ended = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if self._ended:
            return
        if tag == "form":
            self.model = found["data-model"] or ""
        if "data-name" in found and "data-reads" in found:
            self._name = found["data-name"] or ""
            self.fields[self._name] = {"reads": found["data-reads"], "value": None}
        if not self._name:
            return
        field = self.fields[self._name]
        if (
            (tag == "input" and found.get("class") != "other" and found.get("type") != "radio")
            or (tag == "input" and "checked" in found)
            or (tag == "option" and "selected" in found)
        ):
            field["value"] = found.get("value")

    def handle_endtag(self, tag: str) -> None:
        self._ended = self._ended or tag == "form"


def _page(address: str, row: dict[str, Any]) -> list[str]:
    """The faults of the form: its example must be answered, and a row that is typed into it."""
    with urlopen(Request(address, headers={"Accept": "text/html"})) as response:
        form = _Form()
        form.feed(response.read().decode())
    example = {name: _sent(field, field["value"]) for name, field in form.fields.items()}
    typed = {
        name: _sent(field, row[name]) if name in row and field["reads"] != "json" else example[name]
        for name, field in form.fields.items()
    }
    found = []
    for kind, sent in (("example", example), ("typed row", typed)):
        body = {"payload": {"instances": [sent]}}
        status, said = ask(f"{address}/{form.model}/predict", body)
        if status != 200:
            found.append(f"the form's {kind}: {status} {str(said)[:200]}")
    return found


def _sent(field: dict[str, Any], text: Any) -> Any:
    """What the page's script makes of a field's text."""
    if field["reads"] == "json":
        return json.loads(text)
    if text in ("", None):
        return None
    try:
        return float(text) if field["reads"] == "number" else text
    except ValueError:  # a browser takes no such text in a field for numbers
        return None if field["value"] == "" else float(field["value"])


def ask(url: str, body: Any) -> tuple[int, Any]:
    data = json.dumps(body, default=str).encode()
    headers = {"Content-Type": "application/json"}
    try:
        with urlopen(Request(url, data, headers), timeout=60) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        return error.code, json.load(error)


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """The address of the project's service, once it is ready."""
    port = free_port()
    command = [sys.executable, "-m", "seedling", "serve-local", "--port", str(port)]
    with (root / "serve.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=root, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urlopen(f"{address}/ready"):
                    break
            except (URLError, ConnectionError):
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=60)
