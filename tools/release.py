"""Makes internal/ a release: `manifest`, `zip` or `wheel`, all from the folder as it stands.

`manifest` writes internal/MANIFEST anew: run it after an edit of internal/ or of constraints.txt.
`zip` and `wheel` build dist/seedling-internal-VERSION.zip, for update-internal, and the wheel, for
those with an index of their own. The same folder gives the same bytes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / "{{cookiecutter.project_slug}}"
sys.path.insert(0, str(TREE / "internal"))

from seedling.release import manifest  # noqa: E402 - found by the path above

DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
SECONDS = "315532800"  # the same, since 1970


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["manifest", "zip", "wheel"])
    parser.add_argument("--project", type=Path, default=TREE, help="the folder around internal/")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="default: dist/")
    options = parser.parse_args()
    if options.what == "manifest":
        print(write_manifest(options.project))
        return
    refuse_stale(options.project / "internal")
    options.output.mkdir(parents=True, exist_ok=True)
    build = build_zip if options.what == "zip" else build_wheel
    print(build(options.project, options.output))


def write_manifest(project: Path) -> Path:
    """Write the MANIFEST of a project's internal/."""
    path = project / "internal" / manifest.NAME
    path.write_text(str(manifest.of_folder(path.parent)), encoding="utf-8", newline="\n")
    return path


def refuse_stale(internal: Path) -> None:
    """End with one line where MANIFEST is not that of the folder."""
    path = internal / manifest.NAME
    if not path.is_file() or path.read_text(encoding="utf-8") != str(manifest.of_folder(internal)):
        sys.exit(f"Error: {path} is not current: run `python tools/release.py manifest`.")


def build_zip(project: Path, output: Path) -> Path:
    """Pack internal/ and constraints.txt; returns the zip."""
    version = manifest.version_of(project / "internal")
    path = output / f"seedling-internal-{version}.zip"
    names = [f"internal/{name}" for name in manifest.paths(project / "internal")]
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted([*names, f"internal/{manifest.NAME}", "constraints.txt"]):
            entry = zipfile.ZipInfo(name, DATE)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, manifest.normalised((project / name).read_bytes()))
    return path


def build_wheel(project: Path, output: Path) -> Path:
    """Build the wheel by hatchling, which is among the tools; returns it."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "internal"  # without caches, and nothing is written to the tree
        for name in manifest.paths(project / "internal"):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project / "internal" / name, copy / name)
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "hatchling",
                "build",
                "-t",
                "wheel",
                "-d",
                str(output.resolve()),
            ],
            cwd=copy,
            env=os.environ | {"SOURCE_DATE_EPOCH": SECONDS},
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"Error: hatchling could not build the wheel:\n{done.stdout}{done.stderr}")
    version = manifest.version_of(project / "internal")
    return output / f"seedling-{version}-py3-none-any.whl"


if __name__ == "__main__":
    main()
