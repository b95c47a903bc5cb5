"""A stand-in for a container engine: an image is a copy of the folder that it is built of.

What the web app of tests/full/azureml runs of a pushed image is the service in that folder; no
line of the Dockerfile is executed but its last ENV ones. tests/full/test_images.py builds truly.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote


def main(words: list[str], notes: Path) -> int:
    with (notes / "docker.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(words) + "\n")
    logins, what = notes / "logins", words[0]
    logins.mkdir(exist_ok=True)
    if what == "login":
        (logins / words[1]).write_text(sys.stdin.read(), encoding="utf-8")
    elif what == "logout":
        (logins / words[1]).unlink(missing_ok=True)
    elif what == "build":
        layers = notes / "layers"
        layers.mkdir(exist_ok=True)
        folder = layers / str(len(list(layers.iterdir())))
        shutil.copytree(words[-1], folder, symlinks=True)
        name_it(folder, image(notes, words[words.index("--tag") + 1]))
    elif what == "push":
        if not (logins / words[1].partition("/")[0]).exists():
            return fails("denied: requested access to the resource is denied")
        if not image(notes, words[1]).exists():
            return fails(f"An image does not exist locally with the tag: {words[1]}")
        with (notes / "pushed").open("a", encoding="utf-8") as file:
            file.write(f"{words[1]}\n")
    elif words[:2] == ["image", "inspect"]:
        print(1048576)
    elif what == "tag":
        name_it(image(notes, words[1]).resolve(), image(notes, words[2]))
    elif what == "run" and "--entrypoint" in words:  # what asks an image for its parts
        at = words.index("-c")
        return subprocess.call([os.environ["WORLD_PYTHON"], *words[at:]])
    elif what not in ("info", "version", "rm"):
        return fails(f"docker {what} is not emulated.")
    return 0


def image(notes: Path, name: str) -> Path:
    """The link to an image's folder; what runs of it goes on when its name is given to another."""
    return notes / "images" / quote(name, safe="")


def name_it(folder: Path, link: Path) -> None:
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(folder)


def fails(words: str) -> int:
    print(words, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ["WORLD_NOTES"])))
