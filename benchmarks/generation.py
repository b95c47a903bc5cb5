"""How long it takes to generate a project: `python -m benchmarks.generation [--ccds PATH_OR_URL]`.

Whole processes, both hooks included: each vertical of this template, a template of one file by the
same cookiecutter, and cookiecutter-data-science by its own program. The rounds are interleaved, so
that a slow moment of the machine falls on all of them; what counts is each one's median. CPU is the
time that the processes ran: on a busy machine it says more than the clock.

A project is some 370 new files, which a disk may take longer for than Python for all the rest. They
are written to the folder for temporary files: `TMPDIR=/dev/shm` leaves the disk out.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from importlib import import_module
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
VERTICALS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["_catalog"]
ROUNDS = 11
ONE_FILE, CCDS = "a template of one file", "cookiecutter-data-science"
# Python keeps what it has compiled, as on any machine where nothing forbids it.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
TARGETS = {ONE_FILE: "<= 1.7", CCDS: "< 0.6"}
# Its template is not in its package on PyPI; its program leaves a copy here when it has run.
CCDS_PACKAGE = "cookiecutter-data-science==2.3.0"
CCDS_COPY = Path.home() / ".cookiecutters" / "cookiecutter-data-science"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    parser.add_argument("--ccds", metavar="PATH_OR_URL", help=f"the template of {CCDS}")
    options = parser.parse_args()
    template = options.ccds or (str(CCDS_COPY) if CCDS_COPY.is_dir() else None)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        commands = {name: seedling(work, name) for name in VERTICALS}
        commands[ONE_FILE] = one_file(work)
        if template:
            commands[CCDS] = ccds(work, template)
        show(measure(commands, work, options.rounds))
    if not template:
        print(
            f"{CCDS}: not measured. Its template is not in its package on PyPI and not in "
            f"{CCDS_COPY}: name a copy or its git URL with --ccds."
        )


def seedling(work: Path, vertical: str) -> list[str]:
    return [*cookiecutter(work), str(ROOT), f"vertical={vertical}"]


def one_file(work: Path) -> list[str]:
    """The least that cookiecutter can do: a project that is a README of one line."""
    template = work / "one_file"
    tree = template / "{{cookiecutter.slug}}"
    tree.mkdir(parents=True)
    (template / "cookiecutter.json").write_text('{"slug": "one_file"}')
    (tree / "README.md").write_text("# {{cookiecutter.slug}}\n")
    return [*cookiecutter(work), str(template)]


def cookiecutter(work: Path) -> list[str]:
    """The cookiecutter of this environment, which leaves the home folder alone."""
    settings = work / "settings.yaml"
    settings.write_text(f"replay_dir: {work / 'replay'}\ncookiecutters_dir: {work / 'clones'}\n")
    options = ["--no-input", "--config-file", str(settings)]
    return [sys.executable, "-m", "cookiecutter", *options]


def ccds(work: Path, template: str) -> list[str]:
    """cookiecutter-data-science's own program, in an environment of its own."""
    venv.create(work / "ccds", with_pip=True)
    pip = [work / "ccds" / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, CCDS_PACKAGE], check=True)
    return [str(work / "ccds" / "bin" / "ccds"), "--no-input", template]


def measure(
    commands: dict[str, list[str]], work: Path, rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """The seconds by the clock and of CPU of each command, after one round to warm up."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, command in commands.items():
            with tempfile.TemporaryDirectory(dir=work) as output:
                started, before = time.perf_counter(), cpu_of_children()
                done = subprocess.run(
                    [*command, "--output-dir", output], env=ENVIRONMENT, stdout=subprocess.PIPE
                )
                took = time.perf_counter() - started, cpu_of_children() - before
                seconds[name].append(took)
                if done.returncode or not any(Path(output).iterdir()):
                    sys.exit(f"Error: {name} was not generated: {done.stdout.decode()}")
    return {name: values[1:] for name, values in seconds.items()}


def cpu_of_children() -> float:
    """Seconds that processes which have ended took, with those that they started; 0 on Windows."""
    if os.name == "nt":
        return 0
    resource = import_module("resource")  # finer than os.times, and not on Windows
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return float(used.ru_utime + used.ru_stime)


def show(seconds: dict[str, list[tuple[float, float]]]) -> None:
    """A line for each, with its ratio to each of the others' medians."""
    medians = {
        name: [median(kind) for kind in zip(*values, strict=True)]
        for name, values in seconds.items()
    }
    others = [name for name in TARGETS if name in medians]
    if hasattr(os, "getloadavg"):
        print(f"load of the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for at, kind in enumerate(("clock", "CPU")):
        title = f"generation, whole process, {kind}"
        print(f"{title:36}{'median':>9}", *(f"{f'/ {n}':>30}" for n in others))
        for name, value in medians.items():
            ratios = (f"{value[at] / (medians[other][at] or 1):>29.2f}x" for other in others)
            print(f"{name:36}{value[at]:>7.3f} s", *ratios)
        print(f"{'target':36}{'':>9}", *(f"{TARGETS[other] + 'x':>30}" for other in others))


if __name__ == "__main__":
    main()
