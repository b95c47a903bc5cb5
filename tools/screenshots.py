"""Takes docs/images of the pages that watch a project: `python tools/screenshots.py`.

Grows a finance project in a folder of its own, lets it live a month, and opens its pages in a real
browser. A folder as argument is such a project, whose pages are taken as they are. `forms`, with a
trained project of this vertical or without, takes the page of its service with a form.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "full")]

from baking import generate  # noqa: E402
from chromium import chromium  # noqa: E402
from playwright.sync_api import Browser, Error  # noqa: E402

PORT = 5123
TREES = "n_estimators: {}, learning_rate"  # of xgboost in model.yaml
ANSWERS = {"vertical": "finance", "models": "logistic_regression, xgboost"}
# A month of a project: verbs, and pairs of texts of model.yaml, the second for the first.
LIFE: tuple[str | tuple[str, str], ...] = (
    "create-local-datasets",
    (TREES.format(200), TREES.format(4)),
    "train",
    (TREES.format(4), TREES.format(60)),
    "train --model xgboost",
    (TREES.format(60), TREES.format(2)),
    "train --model xgboost",
    "traffic xgboost --version 1 --shadow",
    "simulate-month --shift age:0.5sd",
    "monitor xgboost",
    "compare xgboost",
    "home --no-open",
)
# The image, the page below local_assets/reports (the newest of several), width and scheme.
PAGES = (
    ("home.png", "index.html", 1280, "light"),
    ("home-small.png", "index.html", 390, "dark"),
    ("monitor.png", "monitor/*/*/report.html", 1280, "light"),
    ("compare.png", "compare/*/report.html", 1280, "light"),
    ("compare-small.png", "compare/*/report.html", 390, "dark"),
    ("monitor-small.png", "monitor/*/*/report.html", 390, "dark"),
)


FORM = """Admission form 😀
Name: Oliver Hughes
Date of birth: 3 April 1985
Phone: +44 20 7946 0018
E-mail: oliver.hughes@example.org
IBAN: GB29 NWBK 6016 1331 9268 19

Customer number 2024-31188, visit on 12/01/2026."""


def main(words: list[str]) -> None:
    if words[:1] == ["forms"]:
        take_form(Path(words[1]) if len(words) > 1 else None)
        return
    if words:
        take(Path(words[0]))
        return
    with TemporaryDirectory() as folder:
        project = generate(Path(folder), ANSWERS)
        for step in LIFE:
            print(f"\n{step}", flush=True)
            if isinstance(step, str):
                command = [sys.executable, "-m", "seedling", *step.split()]
                subprocess.run(command, cwd=project, check=True)
            else:
                edit(project / "model.yaml", *step)
        take(project)


def take_form(project: Path | None) -> None:
    """Write the image of a service's page with what was found in a form."""
    with TemporaryDirectory() as folder:
        if project is None:
            project = generate(Path(folder), {"vertical": "forms"})
            for step in ("create-local-datasets", "train"):
                subprocess.run([sys.executable, "-m", "seedling", step], cwd=project, check=True)
        command = [sys.executable, "-m", "seedling", "serve-local", "--port", str(PORT)]
        service = subprocess.Popen(command, cwd=project)
        try:
            with chromium() as browser:
                size = {"width": 1280, "height": 900}
                page = browser.new_context(viewport=size, color_scheme="light").new_page()
                for _ in range(60):
                    try:
                        page.goto(f"http://127.0.0.1:{PORT}", wait_until="networkidle")
                        break
                    except Error:  # it starts
                        time.sleep(1)
                page.get_by_label("text", exact=True).fill(FORM)
                page.locator("[type=submit]").click()
                page.wait_for_selector("#answer .passage")
                page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
                page.screenshot(path=IMAGES / "forms.png", full_page=True)
        finally:
            service.terminate()
            service.wait()


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text, f"{path.name} has no {before!r}"
    path.write_text(text.replace(before, after), encoding="utf-8")


def take(project: Path) -> None:
    """Write the images of a project's pages; a page that is not there is named."""
    with chromium() as browser:
        for image, pattern, width, scheme in PAGES:
            found = [*pages(project, pattern)]
            if found:
                shot(browser, found[-1], IMAGES / image, width, scheme)
            print(f"{image}: {found[-1] if found else f'there is no {pattern}'}")


def pages(project: Path, pattern: str) -> Iterator[Path]:
    """The pages of a pattern, the newest last."""
    folder = project / "local_assets" / "reports"
    yield from sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime)


def shot(browser: Browser, path: Path, image: Path, width: int, scheme: str) -> None:
    size = {"width": width, "height": 900}
    page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
    page.goto(path.resolve().as_uri(), wait_until="networkidle")
    page.screenshot(path=image, full_page=True)
    page.close()


if __name__ == "__main__":
    main(sys.argv[1:])
