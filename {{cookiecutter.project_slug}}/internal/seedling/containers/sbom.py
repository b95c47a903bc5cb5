"""The list of an image's parts (SBOM), as CycloneDX 1.6: what is installed in it, and its models.

The image itself is asked, without a network; so the list has what is there, not what was wanted.
"""

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedling.config import Project, RegisteredModel
from seedling.files import write_text

FOLDER = "sbom"  # of local_assets/
ENDING = ".cdx.json"
# Runs in the image, whose Python has the standard library and what was installed.
ASKED = """
import json, shutil, subprocess
from importlib.metadata import distributions
found = [["pypi", each.metadata["Name"], each.version, each.metadata["License-Expression"] or
          each.metadata["License"] or ""] for each in distributions() if each.metadata["Name"]]
if shutil.which("dpkg-query"):
    form = "${binary:Package} ${Version}\\n"
    lines = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True).stdout
    found += [["deb", *line.split(" ", 1), ""] for line in lines.splitlines()]
print(json.dumps(found))
"""


def write(
    project: Project, engine: Sequence[str], image: str, models: Sequence[RegisteredModel]
) -> Path | None:
    """Write the list of an image's parts to `local_assets/sbom/<image>.cdx.json`.

    Args:
        project: the project of the image.
        engine: the command of docker or podman.
        image: its name.
        models: the versions in it.

    Returns:
        The file; None where cyclonedx-python-lib is not installed, or the image does not run: a
        line says so.
    """
    try:
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError:
        print(
            "No list of the image's parts: cyclonedx-python-lib is not installed. init with the "
            "group `sbom` installs it."
        )
        return None
    command = [*engine, "run", "--rm", "--network", "none", "--entrypoint", "python", image]
    asked = subprocess.run([*command, "-c", ASKED], capture_output=True, text=True, check=False)
    try:
        found = json.loads(asked.stdout)
    except ValueError:
        reason = (asked.stderr.strip().splitlines() or ["it prints nothing"])[-1]
        print(f"No list of the image's parts: {image} does not say what is in it: {reason[:200]}")
        return None
    text = JsonV1Dot6(_bom(image, found, models)).output_as_string(indent=2)
    path = project.assets / FOLDER / f"{re.sub(r'[^A-Za-z0-9._-]', '_', image)}{ENDING}"
    write_text(path, f"{text}\n")
    return path


def _bom(image: str, found: list[list[str]], models: Sequence[RegisteredModel]) -> Any:
    """Return the list as an object of cyclonedx-python-lib.

    Args:
        image: its name.
        found: kind (`pypi` or `deb`), name, version and license of each installed package.
        models: the versions in the image.
    """
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    bom = Bom()
    root = Component(name=image, type=ComponentType.CONTAINER, bom_ref="image")
    bom.metadata.component = root
    for kind, name, version, license_text in found:
        space = "debian" if kind == "deb" else None
        purl = PackageURL(kind, space, name.lower().replace("_", "-"), version)
        bom.components.add(
            Component(
                name=name,
                version=version,
                purl=purl,
                bom_ref=str(purl),
                licenses=_licenses(license_text),
            )
        )
    for each in models:
        digest = [HashType(alg=HashAlgorithm.SHA_256, content=each.sha256)] if each.sha256 else []
        bom.components.add(
            Component(
                name=each.name,
                version=each.version,
                type=ComponentType.MACHINE_LEARNING_MODEL,
                bom_ref=f"model/{each.name}/{each.version}",
                hashes=digest,
            )
        )
    bom.register_dependency(root, bom.components)
    return bom


def _licenses(text: str) -> list[Any]:
    """Return a license by its name or expression; none where its whole text stands instead."""
    from cyclonedx.contrib.license.factories import LicenseFactory

    return [LicenseFactory().make_from_string(text)] if text and len(text) < 100 else []
