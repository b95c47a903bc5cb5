"""Takes docs/images again: `python tests/full/screenshots.py http://127.0.0.1:8080`."""

import sys
from pathlib import Path

from chromium import chromium
from playwright.sync_api import Browser, Page

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


def main(address: str) -> None:
    with chromium() as browser:
        page = opened(browser, 1280, 900, "light", address)
        answered(page)
        page.screenshot(path=IMAGES / "page.png", full_page=True)
        page = opened(browser, 320, 640, "dark", address)
        answered(page)
        page.screenshot(path=IMAGES / "page-small.png", full_page=True)
        page = opened(browser, 1280, 900, "light", f"{address}/docs")
        page.locator(".opblock-summary-control").first.click()
        page.wait_for_timeout(500)
        page.screenshot(path=IMAGES / "docs.png")


def opened(browser: Browser, width: int, height: int, scheme: str, address: str) -> Page:
    size = {"width": width, "height": height}
    page = browser.new_context(viewport=size, color_scheme=scheme).new_page()
    page.goto(address, wait_until="networkidle")
    return page


def answered(page: Page) -> None:
    """The page with an answer; the bars have grown, and the pointer is nowhere."""
    page.locator("form:visible [type=submit]").click()
    page.wait_for_selector("#answer .headline")
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.wait_for_timeout(500)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
