"""The view of one network in a browser: what it says, and where its links lead."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab_driver import WEB
from page_driver import DRAW, in_percent, strokes_of

from lenet.datasets import Dataset, Split
from lenet.models import BUNDLED
from lenet.playground import LabSet, PlaygroundModel, build_lab, bundled_examples
from page_in_browser import PageBrowser


@pytest.fixture(scope="module")
def look_page(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lab with the models that come with the package."""
    file = tmp_path_factory.mktemp("look") / "lab.html"
    models = [PlaygroundModel(name, path.read_bytes()) for name, path in BUNDLED.items()]
    examples = {name: bundled_examples(name) for name in BUNDLED}
    page = build_lab([LabSet(digits, "digits")], models, examples=examples)
    file.write_text(page, encoding="utf-8")
    return file


def visit(browser: PageBrowser, file: Path, model: str, act: Any, width: int = 1280) -> Any:
    """Look into a model, do something, and see that the browser complained of nothing."""

    def look(page: Any) -> Any:
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{file.as_uri()}#look")
        page.locator(".look").wait_for()
        if model != "digits":
            page.evaluate("document.querySelector('.look').dataset.old = 'yes'")
            page.select_option("[name=network]", model)
            page.locator(".look:not([data-old])").wait_for()
        found = act(page)
        assert complaints == []
        return found

    return browser.visit(look, width=width, height=844 if width < 600 else 720)


@pytest.mark.parametrize("model", ["digits", "fashion"])
def test_each_sum_leads_back_to_the_pixels_and_forward_again(
    page_browser: PageBrowser, look_page: Path, model: str
) -> None:
    def follow(page: Any) -> None:
        here = page.locator(".trail-names b")
        answer, steps = here.inner_text(), 0
        while not here.inner_text().startswith("Input"):
            page.locator(".trail-names .link").first.click()
            steps += 1
        assert steps == (8 if model == "digits" else 7)
        for _ in range(steps):
            page.keyboard.press("Backspace")
        assert here.inner_text() == answer

    visit(page_browser, look_page, model, follow)


def test_what_is_written_adds_up(page_browser: PageBrowser, look_page: Path) -> None:
    def read(page: Any) -> list[str]:
        return page.locator(".panel").first.locator("text").all_text_contents()

    written = [text.replace("−", "-") for text in visit(page_browser, look_page, "digits", read)]
    amounts = [float(text) for text in written if re.fullmatch(r"[+-]\d+\.\d+", text)]
    total = float(written[written.index("score") - 1])
    values = [float(text) for text in written if re.fullmatch(r"-?\d+\.\d{3}", text)]
    weights = [float(text[2:]) for text in written if text.startswith("× ")]
    assert sum(amounts) == pytest.approx(total, abs=0.06)
    for value, weight, amount in zip(values, weights, amounts, strict=False):
        assert value * weight == pytest.approx(amount, abs=0.006)


@pytest.mark.parametrize("model", ["digits", "fashion"])
def test_a_pocket_calculator_agrees_with_the_shares(
    page_browser: PageBrowser, look_page: Path, model: str
) -> None:
    def read(page: Any) -> list[str]:
        page.locator(".tools .example").nth(3).click()
        return page.locator(".panel").last.locator("text").all_text_contents()

    written = visit(page_browser, look_page, model, read)
    powers = [place for place, text in enumerate(written) if text.startswith("e")]
    assert len(powers) == 2
    for place in powers:
        exponent, power, total, share = written[place : place + 4]
        score, temperature = exponent[1:].replace("−", "-").split(" / ")
        wanted = math.exp(float(score) / float(temperature))
        assert float(power) == pytest.approx(wanted, rel=2e-4)
        divided = float(power) / float(total.strip("÷ ="))
        assert in_percent(share) == pytest.approx(divided, abs=0.0011)


def test_a_drawn_digit_is_read_and_undone(page_browser: PageBrowser, look_page: Path) -> None:
    def draw(page: Any) -> None:
        sentence = page.locator(".say")
        page.evaluate(DRAW, [".paper > canvas:last-child", strokes_of(3)])
        sentence.filter(has_text="3").wait_for()
        page.get_by_label("Undo").click()
        sentence.filter(has_text="Draw something").wait_for()

    visit(page_browser, look_page, "digits", draw)


def test_the_kernel_slides_place_by_place(page_browser: PageBrowser, look_page: Path) -> None:
    def slide(page: Any) -> tuple[str, str]:
        page.locator(".trail-names .link", has_text="0 Conv2d").click()
        page.get_by_label("First position").click()
        page.get_by_label("Next position").click()
        return page.locator(".player .place").inner_text(), page.locator(".say").inner_text()

    place, sentence = visit(page_browser, look_page, "fashion", slide)
    assert place == "2 of 784"
    assert "25 pixels times the 25 weights" in sentence


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_phone_shows_each_layer_without_moving_sideways(
    page_browser: PageBrowser, look_page: Path, language: str
) -> None:
    def go_through(page: Any) -> list[tuple[int, str]]:
        if language == "zh":
            page.get_by_label("中文：切换为中文").click()
        found = []
        tabs = page.locator(".tabs button")
        for index in range(1, tabs.count()):
            tabs.nth(index).click()
            width = page.evaluate("document.documentElement.scrollWidth")
            found.append((width, page.locator(".layer h2").inner_text()))
        return found

    found = visit(page_browser, look_page, "fashion", go_through, width=390)
    assert [width for width, _ in found] == [390] * len(found)
    assert [name for _, name in found][::3] == ["0 Conv2d", "4 Conv2d", "9 Linear"]


def test_what_was_trained_stands_on_the_stage(page_browser: PageBrowser, look_page: Path) -> None:
    """It answers there what the training says of the same image."""

    def compare(page: Any) -> tuple[str, str]:
        page.get_by_role("link", name="Train", exact=True).click()
        page.locator(".buttons .b:enabled").nth(2).click()
        page.locator(".place").filter(has_text="epoch 1 of").wait_for()
        told = page.locator(".classes .chosen")
        trained = told.locator("th").inner_text(), told.locator(".number").inner_text()
        page.get_by_role("link", name="Look", exact=True).click()
        page.select_option("[name=network]", "")
        page.locator("h1", has_text=f"The answer is {trained[0]}, with {trained[1]}").wait_for()
        return trained

    visit(page_browser, look_page, "fashion", compare)


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_to_complain_of(
    page_browser: PageBrowser, look_page: Path, width: int, theme: str
) -> None:
    """In any of the views, two trainings and one walked step among them."""
    axe = WEB / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.exists():
        pytest.skip("axe-core is not there: `cd web && npm ci`.")

    def examine(page: Any) -> None:
        page.evaluate(axe.read_text("utf-8"))
        if theme == "dark":
            page.get_by_label("Light or dark").click()
        waits = {
            "Look": ".look",
            "Train": ".by-layer",
            "Teach": ".own-class",
            "Experiments": ".guesses .b:enabled",
        }
        for view, selector in waits.items():
            page.get_by_role("link", name=view, exact=True).click()
            page.locator(selector).first.wait_for()
            check(page)
            if view == "Train":
                page.locator(".walk").click()
                page.locator(".walked").wait_for()
                check(page)
                page.locator(".vary").first.click()
                page.locator(".kernels.both").wait_for()
                check(page)

    def check(page: Any) -> None:
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        told = [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]
        assert not told

    visit(page_browser, look_page, "digits", examine, width=width)


def test_images_in_colour_are_learnt_and_looked_into(page_browser: PageBrowser) -> None:
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = random.integers(0, 80, (60, 3, 28, 28), dtype=np.uint8)
    images[np.arange(60), labels] += 150  # red, green or blue
    train, test = Split(images[:45], labels[:45]), Split(images[45:], labels[45:])
    dataset = Dataset("colours", ("red", "green", "blue"), train, test=test)
    file = Path("lab.html")
    file.write_text(build_lab([LabSet(dataset, "colours")]), encoding="utf-8")

    def learn(page: Any) -> None:
        page.get_by_role("link", name="Train", exact=True).click()
        page.locator(".buttons .learn:enabled").click()
        page.locator(".train.finished").wait_for()
        assert "100 of 100 test images are right" in page.inner_text("h1")
        page.get_by_role("link", name="Look", exact=True).click()
        page.select_option("[name=network]", "")
        page.locator("h1", has_text="The answer is red").wait_for()
        page.locator(".trail-names .link", has_text="0 Conv2d").click()
        page.locator(".trail-names b", has_text="0 Conv2d").wait_for()

    visit(page_browser, file.absolute(), "digits", learn)
