"""How fast the service answers: `python -m benchmarks.scoring [--quick] [--markdown FILE]`.

A finance project is generated and trained for each model. Its service and the peers serve the
same registered files, each alone with two workers; all of them are up at the same time, and
the rounds of load are interleaved, so that a slow moment of the machine falls on all of them.
What counts is each one's median. With --overhead the service is compared with itself, the
prediction log on and off.
"""

import argparse
import json
import re
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import scoring_report as report
from benchmarks.environments import (
    FailedError,
    Project,
    environment,
    for_mlflow,
    plain_settings,
    project,
    size,
    versions,
)
from benchmarks.load import BODIES, CELLS, Cell, need_wrk, put
from benchmarks.peers import FLOOR, PEERS, SEEDLING, Peer, Row, floor, seedling
from benchmarks.scoring_report import Measured
from benchmarks.servers import Server

MODELS = ("logistic_regression", "random_forest", "gradient_boosting", "xgboost")
ROUNDS, SECONDS = 5, 4.0
QUICK_ROUNDS, QUICK_SECONDS = 1, 2.0
STARTS = 3
TOLERANCE = 1e-6
LOG_ON, LOG_OFF = SEEDLING, "this service, PREDICTION_LOG=off"


def main(arguments: list[str] | None = None) -> None:
    options = _options(arguments)
    need_wrk()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers are stopped on the way out
    try:
        with ExitStack() as stack:
            folder = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            results = {model: measure(folder.resolve(), model, options) for model in options.models}
            used = versions(folder)
    except KeyboardInterrupt:
        sys.exit("Stopped; so are all servers.")
    tables = report.overhead(results) if options.overhead else report.scoring(results)
    text = f"{report.conditions(options.rounds, options.seconds)} {used}\n\n{tables}"
    print(text)
    if options.markdown:
        options.markdown.write_text(text + "\n", encoding="utf-8")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=_models, default=MODELS, help="default: all four")
    parser.add_argument("--rounds", type=int, help=f"default: {ROUNDS}")
    parser.add_argument("--seconds", type=float, help=f"of each load, default: {SECONDS:g}")
    parser.add_argument(
        "--quick", action="store_true", help="one round of 2 s: does it work, not how fast is it"
    )
    parser.add_argument("--overhead", action="store_true", help="of the prediction log")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="kept, and used again")
    parser.add_argument(
        "--as-is", action="store_true", help="use FOLDER's projects though the template changed"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    options.seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    return options


def _models(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in MODELS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"{text!r}: expected some of {', '.join(MODELS)}")
    return names


def measure(work: Path, model: str, options: argparse.Namespace) -> list[Measured]:
    """Everything about one model: a result for each server, in words where there is none."""
    progress(f"{model}: the project")
    try:
        made = project(work, model, options.as_is)
        service = environment(work, seedling(model), made)
    except FailedError as error:
        sys.exit(f"Error: {model}: nothing was measured, because the project was not made: {error}")
    own = seedling(model)
    if options.overhead:
        off = replace(own, name=LOG_OFF, variables={"PREDICTION_LOG": "off"})
        peers: tuple[Peer, ...] = (own, off)
    else:
        peers = (own, *PEERS, floor(model, plain_settings(service, made)))
    _forget_predictions(made)
    with ExitStack() as stack:
        stack.callback(_forget_predictions, made)  # hundreds of MB, once the servers are stopped
        running: dict[str, Server] = {}
        results = []
        for peer in peers:
            results.append(_started(work, peer, made, stack, running, options.quick))
            if SEEDLING not in running:
                sys.exit(f"Error: {model}: the service itself was not up: {results[0].problem}")
        _compare(model, running, made.facts["rows"])
        _load(work, model, made.facts["rows"], running, results, options)
        if results[0].problem:
            sys.exit(f"Error: {model}: the service itself failed: {results[0].problem}")
        for result in results:
            if result.name in running:
                result.memory = running[result.name].memory()
        if options.overhead and not _predictions(made):
            results[1].problem = "no prediction was logged, so that both are without a log"
            progress(f"{model}: {results[1].problem}")
    return results


def _started(
    work: Path, peer: Peer, made: Project, stack: ExitStack, running: dict[str, Server], quick: bool
) -> Measured:
    """A server that is up from here on, in an environment of its own; or why it is not."""
    result = Measured(peer.name)
    progress(f"{made.model}: {peer.name}")
    try:
        where = environment(work, peer, made)
    except FailedError as error:
        result.problem = f"its environment was not made, is the package index within reach? {error}"
        progress(f"  not measured: {result.problem}")
        return result
    if peer.name != FLOOR:
        result.size = size(where, made.model)
    log = made.root.parent / (re.sub(r"\W+", "-", peer.name) + ".log")
    places: dict[str, str | Path] = {"model": made.facts["folder"]}
    if "{mlflow_model}" in peer.command:
        places["mlflow_model"] = for_mlflow(made)
    try:
        for _ in range(1 if quick else STARTS):
            if peer.name in running:
                running[peer.name].stop()
            server = running[peer.name] = Server(peer, where / "bin", made.root, log, **places)
            stack.callback(server.stop)
            result.starts.append(server.start(made.facts["rows"][0]))
    except FailedError as error:
        running.pop(peer.name, None)
        result.problem = str(error)
        progress(f"  not measured: {result.problem}")
        return result
    progress(f"  first answer after {' s, '.join(f'{start:.2f}' for start in result.starts)} s")
    server.settle()
    return result


def _compare(model: str, running: dict[str, Server], rows: list[Row]) -> None:
    """End in words unless all servers give the same probabilities, alone and in a batch."""
    first: list[list[float]] = []
    for name, server in running.items():
        if name == FLOOR:
            continue
        try:
            found = [*server.ask(rows), *(server.ask([row])[0] for row in rows[:3])]
        except (OSError, LookupError, TypeError, ValueError) as error:
            sys.exit(f"Error: {model}: {name} does not answer {len(rows)} rows: {error!r}")
        first = first or found
        if len(found) != len(first):
            sys.exit(f"Error: {model}: {name} has {len(found) - 3} answers to {len(rows)} rows.")
        for at, (one, other) in enumerate(zip(first, found, strict=True)):
            if not _same(one, other):
                sys.exit(
                    f"Error: {model}: {name} answers {other} where {SEEDLING} answers {one} "
                    f"({_question(at, rows)}): nothing is measured before they agree."
                )


def _same(one: list[float], other: list[float]) -> bool:
    return len(one) == len(other) and all(
        abs(a - b) <= TOLERANCE for a, b in zip(one, other, strict=True)
    )


def _question(at: int, rows: list[Row]) -> str:
    alone = at >= len(rows)
    row = rows[at - len(rows) if alone else at]
    return f"{'alone' if alone else f'row {at} of a batch'}: {json.dumps(row)}"


def _load(
    work: Path,
    model: str,
    rows: list[Row],
    running: dict[str, Server],
    results: list[Measured],
    options: argparse.Namespace,
) -> None:
    """Interleaved rounds over all servers and kinds of load, after one short round to warm up."""
    measured = [result for result in results if result.name in running]
    files: dict[tuple[str, Cell], Path] = {}
    for result in measured:
        for cell in CELLS:
            path = work / model / f"bodies-{len(files)}.jsonl"
            path.write_text(_bodies(running[result.name].peer, rows, cell.rows), encoding="utf-8")
            files[result.name, cell] = path
    for number in range(options.rounds + 1):
        progress(f"{model}: {f'round {number} of {options.rounds}' if number else 'warming up'}")
        for cell in CELLS:
            for at in range(len(measured)):
                result = measured[(at + number) % len(measured)]
                if result.problem:
                    continue
                server, bodies = running[result.name], files[result.name, cell]
                before = server.cpu_seconds()
                seconds = options.seconds if number else 1
                try:
                    load = put(server.url, bodies, cell.connections, seconds)
                except FailedError as error:
                    result.fail(f"under the load {cell}: {error}")
                    progress(f"  {result.name}: not measured: {result.problem}")
                    continue
                if not server.settle():  # what it put off belongs to this load, not to the next
                    progress(f"  {result.name}: busy a minute after the load {cell}")
                if number:
                    result.add(cell, load, server.cpu_seconds() - before)


def _bodies(peer: Peer, rows: list[Row], count: int) -> str:
    """Questions of `count` rows each, a line each and no two the same."""
    turned = (rows[at:] + rows[:at] for at in range(BODIES))
    return "".join(peer.body(some[:count]) + "\n" for some in turned)


def _predictions(made: Project) -> list[Path]:
    return list((made.root / "local_assets").glob("predictions*"))


def _forget_predictions(made: Project) -> None:
    for path in _predictions(made):
        path.unlink()
    shutil.rmtree(made.root / "local_assets" / "spool", ignore_errors=True)


def progress(words: Any) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
