"""The pictures of the lab in the documents, taken in Chromium.

    python benchmarks/lab_pictures.py

Trains the lab's usual network on a tenth of Fashion-MNIST in the page, and looks into the bundled
`digits`.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import lenet
from lenet.models import BUNDLED
from lenet.playground import (
    LabSet,
    PlaygroundModel,
    build_lab,
    bundled_examples,
    find_javascript_engine,
    tenth_of,
)

_IMAGES = Path("docs/images")


def main() -> None:
    browser = find_javascript_engine(browser=True).executable
    dataset = tenth_of(lenet.load_dataset("fashion-mnist"))
    digits = PlaygroundModel("digits", BUNDLED["digits"].read_bytes())
    examples = {"digits": bundled_examples("digits")}
    page_text = build_lab([LabSet(dataset, "fashion-mnist")], [digits], examples=examples)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "lab.html"
        file.write_text(page_text, encoding="utf-8")
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 720})
        page.goto(f"{file.as_uri()}#train")
        page.locator(".buttons .learn:enabled").click()
        page.locator(".train.finished").wait_for(timeout=120_000)
        page.wait_for_timeout(1000)  # the last layers' numbers follow
        page.screenshot(path=_IMAGES / "lab-train.png")
        page.get_by_role("link", name="Look").click()
        page.locator(".look .trail").wait_for()
        page.wait_for_timeout(500)
        page.screenshot(path=_IMAGES / "lab-look.png")
        chromium.close()


if __name__ == "__main__":
    main()
