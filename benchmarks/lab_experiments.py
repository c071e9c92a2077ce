"""What the lab's experiments show: each is guessed and trained in the page, in Chromium.

    python benchmarks/lab_experiments.py

Prints the sentence with the accuracies, and whether what comes out is what its text explains.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import lenet
from lenet.playground import LabSet, build_lab, find_javascript_engine, tenth_of


def main() -> None:
    browser = find_javascript_engine(browser=True).executable
    dataset = tenth_of(lenet.load_dataset("fashion-mnist"))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "lab.html"
        file.write_text(build_lab([LabSet(dataset, "fashion-mnist")]), encoding="utf-8")
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page()
        page.goto(f"{file.as_uri()}#experiments")
        questions = page.locator(".experiments li button")
        for index in range(questions.count()):
            questions.nth(index).click()
            page.locator(".guesses .b:enabled").first.wait_for()
            page.locator(".guesses .b").nth(1).click()
            told = page.locator(".notice").inner_text(timeout=300_000)
            ends = told[told.index("Of 100") :].partition(" What to notice")[0]
            is_usual = "not what usually comes out" not in told
            print(f"{ends:<75} {'as its text says' if is_usual else 'OTHERWISE'}", flush=True)
        chromium.close()


if __name__ == "__main__":
    main()
