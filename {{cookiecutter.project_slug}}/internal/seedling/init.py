"""Create .venv with the versions of constraints.txt: run `python init.py`, before any install.

uv does the work where it is installed, venv and pip otherwise. The standard library is enough to
run this file, and any Python 3 can: it looks for a version that the project supports. Without a
network, `--wheelhouse` names a folder that has the packages: see internal/README.md.
"""

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

SUPPORTED = ((3, 11), (3, 13))
GROUPS = ["train", "serve", "dev"]
STAMP = ".installed"
PATHS = "00_project.pth"  # read before those of pip and uv
OF_MAKE = ("GROUPS", "WHEELHOUSE")  # options, as make's command line names them


def main() -> None:
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description="Create or update the project's environment.")
    parser.add_argument("--groups", default=",".join(GROUPS), help="default: %(default)s")
    parser.add_argument(
        "--wheelhouse",
        default=os.environ.get("WHEELHOUSE"),
        metavar="DIR",
        help="Install from this folder of wheels only, from no index; default: $WHEELHOUSE",
    )
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not SUPPORTED[0] <= sys.version_info[:2] <= SUPPORTED[1]:
        sys.exit(run_with_another_python())
    if options.make:
        options = parser.parse_args(options_of_make())
    groups = [name.strip() for name in options.groups.split(",") if name.strip()]
    try:
        install(root, groups, options.wheelhouse)
    except subprocess.CalledProcessError as error:
        command = " ".join(str(word) for word in error.cmd[:4])
        sys.exit(f"Error: `{command} ...` failed; the lines above say why.")


def options_of_make() -> list:
    """Return the options on make's command line; another NAME there is refused in one line."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from seedling.cli.make_variables import given

    values = given(os.environ.get("MAKEFLAGS", ""))
    for name in sorted(set(values) - {*OF_MAKE, "PYTHON", "SHELL"}):
        if os.environ.get("MAKECMDGOALS") == "init":  # else it is an option of the verb
            options = " ".join(each + "=" for each in OF_MAKE)
            print(f"Error: init has no option {name}=. Its options: {options}", file=sys.stderr)
            sys.exit(2)
    return [f"--{name.lower()}={values[name]}" for name in OF_MAKE if values.get(name)]


def install(root: Path, groups: list, wheelhouse: "str | None" = None) -> None:
    """Install the pinned versions of these groups into root/.venv, unless they are there already.

    Args:
        root: the project's folder.
        groups: of optional dependencies; those that were installed before stay.
        wheelhouse: the folder of wheels to install from; else what uv or pip is configured for.
    """
    folder = root / ".venv"
    stamp, wanted = folder / STAMP, fingerprint(root)
    pinned_before, *groups_before = stamp.read_text().split() if stamp.is_file() else [""]
    if pinned_before == wanted and set(groups) <= set(groups_before):
        stamp.touch()
        print("The environment .venv is up to date.")
        return
    print("Installing {} into .venv".format(", ".join(groups)), flush=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pinned = ["-c", "constraints.txt", *offline(wheelhouse), *editable(root, groups)]
    uv = shutil.which("uv")
    if uv:
        if not python.exists():
            run(root, [uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        run(root, [uv, "pip", "install", "--python", str(python), *pinned])
    else:
        if not has_pip(python):
            run(root, [sys.executable, "-m", "venv", str(folder)])
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install"]
        run(root, [*pip, *pinned])
    link(root)
    stamp.write_text(" ".join([wanted, *sorted({*groups, *groups_before})]))
    print("Ready. `make help` lists the verbs.")


def link(root: Path) -> None:
    """Let .venv find internal/ and the project beside it, wherever the folder is moved or copied.

    The paths that pip and uv note are absolute: a copy would import the plumbing of the original.
    """
    for packages in [
        *root.glob(".venv/lib/python3*/site-packages"),
        root / ".venv/Lib/site-packages",
    ]:
        if packages.is_dir():
            folders = [
                os.path.relpath(str(each), str(packages)) for each in (root / "internal", root)
            ]
            lines = "".join(folder + "\n" for folder in folders)
            (packages / PATHS).write_text(lines, encoding="utf-8")


def offline(wheelhouse: "str | None") -> list:
    """Return the options of pip and uv for a machine without an index; empty where one is allowed.

    pip reads PIP_NO_INDEX and PIP_FIND_LINKS itself; uv does not know them.
    """
    if wheelhouse:
        folder = Path(wheelhouse).resolve()
        if not folder.is_dir():
            sys.exit(f"Error: there is no folder {folder} with the packages to install.")
        return ["--no-index", "--find-links", str(folder)]
    if os.environ.get("PIP_NO_INDEX", "0").lower() in ("", "0", "false", "no", "off"):
        return []
    links = os.environ.get("PIP_FIND_LINKS", "").split()
    return ["--no-index", *(word for link in links for word in ("--find-links", link))]


def fingerprint(root: Path) -> str:
    """Return a hash of the declared and pinned dependencies, and of where the project stands."""
    files = ("pyproject.toml", "internal/pyproject.toml", "constraints.txt")
    texts = [(root / name).read_text(encoding="utf-8") for name in files]
    return hashlib.sha256("\n".join([*texts, str(root)]).encode()).hexdigest()


def editable(root: Path, groups: list) -> list:
    """Return pip's options for internal/ and the project, each with those groups it declares."""
    found = []
    for folder in ("internal", "."):
        has = groups_of(root / folder / "pyproject.toml")
        extras = ",".join(name for name in groups if name in has)
        found += ["-e", f"./{folder}[{extras}]" if extras else "./" + folder]
    return found


def groups_of(path: Path) -> set:
    """Return the names of the optional dependencies that a pyproject.toml declares."""
    import tomllib  # a Python that lacks it was refused before

    return set(
        tomllib.loads(path.read_text(encoding="utf-8"))["project"].get("optional-dependencies", {})
    )


def has_pip(python: Path) -> bool:
    """Return whether the environment exists and has pip; those that uv creates have none."""
    if not python.exists():
        return False
    return subprocess.call([str(python), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0


def run(root: Path, command: list) -> None:
    """Run a command in the project's folder; raises CalledProcessError if it fails.

    It ends with this process where SIGTERM ends this process.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    subprocess.run(command, cwd=str(root), check=True)


def run_with_another_python() -> int:
    """Run this file with a supported Python found on PATH; return its exit code."""
    for minor in range(SUPPORTED[1][1], SUPPORTED[0][1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and subprocess.call([other, "-c", ""]) == 0:
            return subprocess.call([other, *sys.argv])
    version = "{}.{}".format(*sys.version_info)
    print(f"Error: this project needs Python 3.11 to 3.13, and this is {version}.")
    return 1


if __name__ == "__main__":
    main()
