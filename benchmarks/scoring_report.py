"""What the scoring benchmark prints: Markdown, aligned so that it reads well in a terminal too."""

import os
import platform
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from statistics import median

from benchmarks.load import CELLS, Cell, Load
from benchmarks.peers import FLASK, FLOOR, MLFLOW, REPAIRED, SEEDLING, WORKERS
from benchmarks.servers import Memory

LINEAR, BOOSTED = ("logistic_regression",), ("gradient_boosting", "xgboost")
ONE, MANY, BATCH = CELLS
OVERHEAD = 5  # per cent


@dataclass
class Measured:
    """A server's results, one for each round; `problem` says why there are none."""

    name: str
    starts: list[float] = field(default_factory=list)
    size: float | None = None
    memory: Memory | None = None
    problem: str = ""
    loads: dict[Cell, list[Load]] = field(default_factory=dict)
    cpu: dict[Cell, list[float]] = field(default_factory=dict)

    def add(self, cell: Cell, load: Load, cpu_seconds: float) -> None:
        self.loads.setdefault(cell, []).append(load)
        spent = cpu_seconds * 1000 / load.requests if load.requests else inf
        self.cpu.setdefault(cell, []).append(spent)

    def fail(self, problem: str) -> None:
        """What was measured before it failed does not count."""
        self.problem = problem
        self.loads.clear()

    def throughput(self, cell: Cell) -> float:
        """Requests a second."""
        return median(load.requests / load.seconds for load in self.loads[cell])

    def cpu_ms(self, cell: Cell) -> float:
        """CPU of all its processes, in ms per request."""
        return median(self.cpu[cell])

    def latency(self, cell: Cell) -> tuple[float, float]:
        """p50 and p99 in ms."""
        loads = self.loads[cell]
        return median(load.p50 for load in loads), median(load.p99 for load in loads)

    def errors(self, cell: Cell) -> int:
        return sum(load.errors for load in self.loads[cell])

    @property
    def start(self) -> float:
        return median(self.starts)


def conditions(rounds: int, seconds: float) -> str:
    """The machine and the way of measuring, with no name in it."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {_memory()}{platform.system()}, "
        f"Python {platform.python_version()}. {WORKERS} workers each; median of {rounds} "
        f"interleaved {'round' if rounds == 1 else 'rounds'} of {seconds:g} s; "
        ""
        "load from wrk on the same cores; CPU includes what a server puts off until after it."
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB, "
    except (AttributeError, ValueError, OSError):
        return ""


def scoring(results: dict[str, list[Measured]]) -> str:
    """For each model the servers side by side, and the targets met and missed."""
    parts = []
    for model, servers in results.items():
        parts += [f"### {model}", _servers(servers), _targets(model, servers), *_notes(servers)]
    return "\n\n".join(parts)


def _servers(servers: list[Measured]) -> str:
    head = ["server"]
    for cell in CELLS:
        head += [f"{cell}: req/s", "p50 / p99 ms", "CPU ms/req"]
    head += ["RSS / PSS MB a worker", "start s", "installed MB"]
    rows = []
    for server in servers:
        cells = [words for cell in CELLS for words in _of_load(server, cell)]
        size = "-" if server.size is None else f"{server.size:.0f}"
        start = f"{server.start:.2f}" if server.starts else "-"
        rows.append([server.name, *cells, _of_memory(server.memory), start, size])
    return table(head, rows)


def _of_load(server: Measured, cell: Cell) -> list[str]:
    if cell not in server.loads:
        return ["not measured", "-", "-"]
    errors = server.errors(cell)
    marked = f" ({errors} errors!)" if errors else ""
    p50, p99 = server.latency(cell)
    spent = f"{server.cpu_ms(cell):.2f}"
    return [f"{server.throughput(cell):.0f}{marked}", f"{p50:.1f} / {p99:.1f}", spent]


def _of_memory(memory: Memory | None) -> str:
    if memory is None:
        return "-"
    return f"{memory.rss:.0f} / {'-' if memory.pss is None else f'{memory.pss:.0f}'}"


def _targets(model: str, servers: list[Measured]) -> str:
    """A line for each target; a ratio above 1 speaks for the service."""
    by_name = {server.name: server for server in servers}
    ours = by_name[SEEDLING]
    linear = model in LINEAR
    batch = 12 if linear else 8 if model in BOOSTED else 6
    lines = []
    for cell in (ONE, MANY):
        least = 25 if linear else 40
        lines.append(_cpu_ratio(ours, by_name[REPAIRED], cell, least))
    for cell in (ONE, MANY):
        lines.append(_throughput_ratio(ours, by_name[FLOOR], cell, 0.9 if linear else 0.75))
    lines.append(_cpu_ratio(ours, by_name[FLASK], BATCH, batch))
    lines.append(_throughput_ratio(ours, by_name[FLASK], BATCH, batch))
    lines.append(_most("first good answer", ours.start, 1.0, "s"))
    lines.append(_start_ratio(ours, by_name[MLFLOW]))
    if ours.memory:
        lines.append(_most("RSS of a worker", ours.memory.rss, 55 if linear else 90, "MB"))
    lines.append(_most("installed", ours.size or 0, 70 if linear else 130, "MB"))
    return table(["what", "against", "measured", "target", "verdict"], lines)


def _cpu_ratio(ours: Measured, other: Measured, cell: Cell, least: float) -> list[str]:
    what = f"{cell}: CPU per request"
    if cell not in other.loads:
        return _unknown(what, other, least)
    ratio = other.cpu_ms(cell) / ours.cpu_ms(cell) if ours.cpu_ms(cell) else inf
    return _marked(_least(what, other, ratio, least), ours, other, cell)


def _throughput_ratio(ours: Measured, other: Measured, cell: Cell, least: float) -> list[str]:
    what = f"{cell}: throughput"
    if cell not in other.loads or not other.throughput(cell):
        return _unknown(what, other, least)
    ratio = ours.throughput(cell) / other.throughput(cell)
    return _marked(_least(what, other, ratio, least), ours, other, cell)


def _start_ratio(ours: Measured, other: Measured) -> list[str]:
    if not other.starts:
        return _unknown("first good answer", other, 15)
    return _least("first good answer", other, other.start / ours.start, 15)


def _unknown(what: str, other: Measured, least: float) -> list[str]:
    return [what, other.name, "not measured", f">= {least:g}x", "-"]


def _least(what: str, other: Measured, found: float, least: float) -> list[str]:
    verdict = "met" if found >= least else f"missed by {1 - found / least:.0%}"
    return [what, other.name, f"{found:.2f}x", f">= {least:g}x", verdict]


def _marked(line: list[str], ours: Measured, other: Measured, cell: Cell) -> list[str]:
    """The line, its verdict marked where not all requests were answered well."""
    failed = ours.errors(cell) + other.errors(cell)
    return [*line[:-1], line[-1] + (f" ({failed} errors!)" if failed else "")]


def _most(what: str, found: float, most: float, unit: str) -> list[str]:
    verdict = "met" if found <= most else f"missed by {found / most - 1:.0%}"
    digits = 2 if unit == "s" else 0
    return [what, "", f"{found:.{digits}f} {unit}", f"<= {most:g} {unit}", verdict]


def _notes(servers: list[Measured]) -> list[str]:
    kept = []
    for server in servers:
        if server.problem:
            what = "" if server.loads else "not measured: "
            kept.append(f"- {server.name}: {what}{server.problem}")
    for server in servers:
        failed = {cell: server.errors(cell) for cell in server.loads if server.errors(cell)}
        sums = ", ".join(f"{count} in {cell}" for cell, count in failed.items())
        if sums:
            kept.append(f"- {server.name}: refused, broken or late requests: {sums}.")
    return ["\n".join(kept)] if kept else []


def overhead(results: dict[str, list[Measured]]) -> str:
    """What the prediction log costs, for each model and load."""
    head = ["model", "load", "req/s on / off", "less", "CPU ms/req on / off", "more", "verdict"]
    rows, notes = [], []
    for model, (on, off) in results.items():
        notes += [f"{model}:", *_notes([off])] if off.problem else []
        if off.problem and not off.loads:
            rows.append([model, "-", "not measured", "-", "-", "-", "-"])
            continue
        for cell in CELLS:
            rows.append([model, str(cell), *_difference(on, off, cell)])
    target = f"Target: at most {OVERHEAD} % less throughput, and at most {OVERHEAD} % more CPU."
    return "\n\n".join(["### What the prediction log costs", table(head, rows), target, *notes])


def _difference(on: Measured, off: Measured, cell: Cell) -> list[str]:
    less = 100 * (1 - on.throughput(cell) / off.throughput(cell))
    more = 100 * (on.cpu_ms(cell) / off.cpu_ms(cell) - 1)
    worst = max(less, more)
    errors = on.errors(cell) + off.errors(cell)
    verdict = "met" if worst <= OVERHEAD else f"missed by {worst - OVERHEAD:.1f} points"
    if off.problem:
        verdict = "no log"
    return [
        f"{on.throughput(cell):.0f} / {off.throughput(cell):.0f}",
        f"{less:.1f} %",
        f"{on.cpu_ms(cell):.2f} / {off.cpu_ms(cell):.2f}",
        f"{more:.1f} %",
        verdict + (f" ({errors} errors!)" if errors else ""),
    ]


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, the first column to the left and the others to the right."""
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]

    def line(words: list[str]) -> str:
        padded = [
            word.rjust(width) if at else word.ljust(width)
            for at, (word, width) in enumerate(zip(words, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rules = ["-" * width if at == 0 else "-" * (width - 1) + ":" for at, width in enumerate(widths)]
    return "\n".join([line(head), line(rules), *map(line, rows)])
