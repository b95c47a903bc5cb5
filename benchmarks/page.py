"""The tables of docs/monitoring.md that benchmarks write, each between two comments."""

from tools.demo import ROOT

PAGE = ROOT / "docs" / "monitoring.md"


def put(mark: str, name: str, lines: list[str], merge: bool = False) -> None:
    """Put a table into the page.

    Args:
        mark: what the comment before it begins with, the benchmark's name.
        name: of the table.
        lines: of Markdown, the two of its head first.
        merge: keep the lines that are there for other numbers, and order all by these.
    """
    text = PAGE.read_text(encoding="utf-8")
    begin, end = f"<!-- {mark} {name} -->\n", f"<!-- end {name} -->"
    before, _, rest = text.partition(begin)
    there, _, after = rest.partition(end)
    if merge:
        kept = {_what(line): line for line in [*there.splitlines()[2:], *lines[2:]]}
        lines = [*lines[:2], *(kept[what] for what in sorted(kept))]
    PAGE.write_text(before + begin + "\n".join([*lines, ""]) + end + after, encoding="utf-8")


def _what(line: str) -> tuple[float, ...]:
    """Return the numbers of a line that say what was drawn; shares are what was found."""
    cells = (cell.strip().replace(",", "") for cell in line.strip("|").split("|"))
    return tuple(float(cell) for cell in cells if "%" not in cell)
