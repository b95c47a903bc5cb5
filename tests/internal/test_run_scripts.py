"""Base scripts in sections: what check says of each, and what a completed script is."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedling.cli.main import main
from seedling.run_scripts import SECTIONS, Origin, completed, headers, names, texts
from seedling.run_scripts.faults import Faulty
from seedling.run_scripts.sections import REQUIRED, header
from seedling.scaffold import part_files

PAGE = part_files.HOME / "azure" / "files" / "docs" / "run-scripts.md"
DOCUMENTED = PAGE.read_text(encoding="utf-8")
BASE = re.search(r"This script is good:\n\n```text\n(.*?)```", DOCUMENTED, re.DOTALL)[1]
FEWEST = 30


class Row(NamedTuple):
    """A row of the page's table: a change of the script above it, and what check says."""

    lines: str
    new: list[str]
    said: list[str]

    def script(self) -> str:
        base = BASE.splitlines()
        where, _, at = self.lines.rpartition(" ")
        if at == "none":
            return BASE
        first, _, last = at.partition("-")
        start = int(first) if where == "below" else int(first) - 1
        end = start if where else int(last or first)
        return "".join(f"{line}\n" for line in [*base[:start], *self.new, *base[end:]])


def rows() -> list[Row]:
    table = DOCUMENTED.partition("| lines | are replaced by | it says |\n|---|---|---|\n")[2]
    lines = table.partition("\n\n")[0].splitlines()
    return [Row(cells[0], spans(cells[1]), spans(cells[2])) for cells in map(cells_of, lines)]


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def spans(cell: str) -> list[str]:
    found = re.findall(r"(`+)(.*?)\1(?:<br>|$)", cell)
    return [text[1:-1] if len(marks) > 1 else text for marks, text in found]


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.lines}: {' / '.join(row.new)}"[:60])
def test_check_says_what_the_page_says(row: Row, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(row.script(), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["run-script", "check", "train.py"])
    shown = capsys.readouterr()
    assert (shown.out + shown.err).splitlines() == row.said
    assert bool(ended.value.code) == bool(re.match(r"train\.py:\d+: ", row.said[0]))
    assert not (shown.out and shown.err)


def test_the_page_has_thirty_scripts_of_every_kind() -> None:
    assert len(rows()) >= FEWEST
    assert len({row.script() for row in rows()}) == len(rows())
    said = " ".join(line for row in rows() for line in row.said)
    for kind in (
        *("no section has this name", "this is no header", "code before the first section"),
        *("a remark follows", "is missing", "stands here again", "belongs before"),
        *("no valid Python", "sets no", "skipped", "on a line of its own", "within"),
    ):
        assert kind in said, kind


def test_the_page_lists_the_sections_in_their_order() -> None:
    table = DOCUMENTED.partition("| section | filled in, it |\n|---|---|\n")[2]
    listed = [cells_of(line)[0] for line in table.partition("\n\n")[0].splitlines()]
    assert [name.strip("*") for name in listed] == [*SECTIONS]
    assert [name.strip("*") for name in listed if name.startswith("**")] == [*REQUIRED]


def write(folder: Path, text: str) -> Path:
    path = folder / "train.py"
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("kind", texts.MODEL_TYPES)
def test_every_section_is_there_once_in_order_and_yours_are_untouched(kind: str, tmp_path: Path):
    found = completed(write(tmp_path, BASE), kind)
    assert [each.name for each in headers.found(found.text)] == [*SECTIONS]
    for part in BASE.split("#=====")[1:]:
        assert f"#====={part}" in found.text
    compile(found.text, "train.py", "exec")


def test_a_completed_script_is_a_base_script_that_lacks_nothing(tmp_path: Path) -> None:
    once = completed(write(tmp_path, BASE)).text
    again = completed(write(tmp_path, once))
    assert again.text == once
    assert Origin.FILLED_IN not in again.origins.values()


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_and_a_byte_order_mark_change_nothing(end: str, tmp_path: Path) -> None:
    expected = completed(write(tmp_path, BASE)).text
    assert completed(write(tmp_path, "\ufeff" + BASE.replace("\n", end))).text == expected
    assert completed(write(tmp_path, BASE.rstrip("\n"))).text == expected


@settings(max_examples=30, deadline=None)
@given(st.sets(st.sampled_from(SECTIONS)), st.sets(st.sampled_from(SECTIONS)))
def test_what_is_written_stays_and_what_is_empty_is_skipped(written: set, empty: set) -> None:
    """Whichever sections there are, each line of the author's is in the script, in its order."""
    written |= {*REQUIRED}
    empty -= written
    filled = texts.texts_of("sklearn")
    own = {name: f"own_{at} = {at}\n" for at, name in enumerate(SECTIONS)}
    named = {
        name: "".join(f"{each} = 1\n" for each in sorted(names.assigned(text)))
        for name, text in filled.items()
    }
    owed = {
        "set experiment and model name": "experiment_name = model_name = 'x'\n",
        "import data": "X_train = y_train = X_test = y_test = []\n",
        "custom training code": "model = None\n",
    }
    texts_of = {
        name: own[name] + {**named, **owed}[name] if name in written else ""
        for name in SECTIONS
        if name in written | empty
    }
    text = "".join(f"{header(name)}\n{below}" for name, below in texts_of.items())
    faults: list[str] = []
    with TemporaryDirectory() as folder:
        path = write(Path(folder), text)
        try:
            found = completed(path)
        except Faulty as error:
            faults = error.lines
    if faults:
        assert empty
        assert all(" sets no " in line for line in faults)
        return
    for name in SECTIONS:
        expected = Origin.YOURS if name in written else Origin.SKIPPED
        assert found.origins[name] == (expected if name in written | empty else Origin.FILLED_IN)
        assert (own[name] in found.text) == (name in written)
    assert [each.name for each in headers.found(found.text)] == [*SECTIONS]


def test_a_recogniser_is_saved_without_the_words_of_its_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which may be personal, and which it does without; another pipeline may need its words."""
    import shutil
    from types import SimpleNamespace

    import spacy

    def to_disk(nlp: spacy.Language, folder: str, **_: object) -> None:
        Path(folder).mkdir(parents=True)
        nlp.to_disk(Path(folder, "model.spacy"), exclude=["ner"])

    section = texts.texts_of("spacy")["save the model"]
    saved = []
    for part in ("ner", "entity_ruler"):
        nlp = spacy.blank("xx")
        nlp.add_pipe(part)
        nlp.vocab.strings.add("Okafor")
        mlflow = SimpleNamespace(
            spacy=SimpleNamespace(save_model=to_disk), log_artifacts=lambda *_: None
        )
        given = {
            "outputs": tmp_path / part,
            "params": {},
            "model": nlp,
            "mlflow": mlflow,
            "shutil": shutil,
        }
        exec(section, given)  # noqa: S102 - what a completed script runs
        path = tmp_path / part / "model" / "model.spacy" / "vocab" / "strings.json"
        saved.append("Okafor" in path.read_text(encoding="utf-8"))
    assert saved == [False, True]


@pytest.mark.parametrize(
    ("ending", "above"),
    [
        ("model = 1 \\\n", 1),
        ("model = 1 \\\n\\\n", 2),
        ("model = 1  # a remark \\\npass; \\\n", 1),
        ("if model := 1:\n    pass \\\n", 2),
        ("model = 1\n\\\n", 1),
    ],
)
def test_a_header_after_a_backslash_stands_within_a_statement(
    ending: str, above: int, tmp_path: Path
) -> None:
    """The statement begins so many lines above the header."""
    required = BASE.partition(header("custom training code"))[0]
    text = f"{required}{header('custom training code')}\n{ending}"
    with pytest.raises(Faulty) as raised:
        completed(write(tmp_path, f"{text}{header('closing')}\n"))
    line = text.count("\n") + 1
    place = f"{(tmp_path / 'train.py').as_posix()}:{line}"
    first = line - above
    said = f"{header('closing')} stands within the statement of line {first}: end that first."
    assert raised.value.lines == [f"{place}: {said}"]


def test_a_remark_that_ends_with_a_backslash_ends_there(tmp_path: Path) -> None:
    text = f"{BASE.rstrip()}\n# C:\\folder\\\nx = 1  # C:\\\n"
    completed(write(tmp_path, f"{text}{header('closing')}\n"))


@pytest.mark.parametrize(
    "line",
    ["x = " + "-" * 100_000 + "1", "x" + ".x" * 100_000, "x = " + "1 + " * 20_000 + "1"],
    ids=["signs", "attributes", "sum"],
)
def test_what_nests_too_deep_is_one_line(line: str, tmp_path: Path) -> None:
    with pytest.raises(Faulty) as raised:
        completed(write(tmp_path, f"{BASE}{line}\ny = 1\n"))
    place = f"{(tmp_path / 'train.py').as_posix()}:{BASE.count(chr(10)) + 1}"
    assert raised.value.lines == [f"{place}: this nests too deep for Python: divide it."]


@pytest.mark.parametrize(
    "code",
    [
        "[model for model in [1]]",
        "x = {model: 1 for model, _ in []}",
        "model = 1\ndel model",
        "model = x = 1\ndel x, (model,)",
        "def fit(model):\n    model = 1",
        "class Fit:\n    model = 1",
        "fit = lambda model: model",
        "model: int",
        "try:\n    pass\nexcept OSError as model:\n    pass",
    ],
)
def test_a_name_of_something_else_is_none_of_the_script(code: str, tmp_path: Path) -> None:
    required = BASE.partition(header("custom training code"))[0]
    text = f"{required}{header('custom training code')}\n{code}\n"
    with pytest.raises(Faulty) as raised:
        completed(write(tmp_path, text))
    assert "sets no model, which the filled-in #=====" in raised.value.lines[0]
    assert names.assigned("x = [y for y in z]") == {"x"}


@pytest.mark.parametrize(
    "code",
    [
        "model = [model for model in [1]]",
        "[(model := each) for each in [1]]",
        "del model\nmodel = 1",
        "model = {}\ndel model['x'], model.x",
        "def fit():\n    global model\n    model = 1",
        "with x as (model, _):\n    pass",
        "for model in []:\n    pass",
        "match x:\n    case [model]:\n        pass",
        "import x as model",
        "model: int = 1",
        "if x:\n    model = 1\n    del model",
        "try:\n    pass\nexcept OSError:\n    model = 1",
    ],
)
def test_a_name_that_the_script_may_have_is_set(code: str) -> None:
    assert "model" in names.assigned(code)
