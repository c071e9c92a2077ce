"""Classes of one's own in the lab's page: drawn, learnt, tried, and taken along."""

import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_driver import DRAW
from PIL import Image

import lenet
from drawn_digits import STROKES
from lenet.datasets import Dataset
from lenet.pictures import Preparation
from lenet.playground import LabSet, build_lab
from page_in_browser import SHOWN, PageBrowser

CLASSES = {"zero": 0, "one": 1, "seven": 7}
DRAWINGS = 20
HELD_OUT = slice(4, None, 5)

# Workers, so that the page's can be asked about any image.
WATCH = """
window.workers = [];
window.Worker = class extends Worker {
  constructor(...what) { super(...what); window.workers.push(this); }
};
"""
ASK = """async (images) => {
  const ask = (worker, image) => new Promise((resolve) => {
    worker.addEventListener("message", ({ data }) => resolve(data), { once: true });
    worker.postMessage({ kind: "look", example: Uint8Array.from(image) });
  });
  const answers = await Promise.all(window.workers.map((worker) => ask(worker, images[0])));
  const taught = window.workers[answers.findIndex(({ state }) => state === "finished")];
  const said = [];
  for (const image of images) said.push([...(await ask(taught, image)).probabilities]);
  return said;
}"""


@pytest.fixture(scope="module")
def lab_page(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("lab") / "lab.html"
    file.write_text(build_lab([LabSet(digits, "digits")]), encoding="utf-8")
    return file


def draw(page: Any, digit: int, random: np.random.Generator) -> None:
    """Draw a digit, somewhere and somehow large and slanted."""
    scale, slant = random.uniform(0.0042, 0.0065), random.uniform(-0.2, 0.2)
    left, top = random.uniform(0.08, 0.24), random.uniform(0.04, 0.2)
    strokes = [
        [(left + scale * (x + slant * (50 - y)), top + scale * y) for x, y in stroke]
        for stroke in STROKES[digit]
    ]
    page.evaluate(DRAW, [".own-paper canvas", strokes])
    page.evaluate(SHOWN)


def open_teach(page: Any, file: Path) -> None:
    page.goto(file.resolve().as_uri() + "#teach")
    page.locator(".own-class").first.wait_for()
    page.evaluate(SHOWN)


def test_classes_are_drawn_learnt_and_taken_along(
    page_browser: PageBrowser, lab_page: Path, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)

    def save(page: Any, name: str) -> Path:
        with page.expect_download() as download:
            page.locator(".take button", has_text=name).click()
        download.value.save_as(tmp_path / name)
        return tmp_path / name

    def act(page: Any) -> tuple[str, str, list[list[float]], np.ndarray]:
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.add_init_script(WATCH)
        open_teach(page, lab_page)
        page.get_by_text("Another class").click()
        for index, (name, digit) in enumerate(CLASSES.items()):
            page.locator(".own-class > div > input").nth(index).fill(name)
            for number in range(DRAWINGS):
                draw(page, digit, random)
                page.locator(".own-class .add").nth(index).click()
                page.locator(".own-class").nth(index).get_by_text(
                    f"{number + 1} drawing"
                ).wait_for()
        page.reload()
        counts = page.locator(".own-class p").all_inner_texts()
        assert counts == [f"{DRAWINGS} drawings"] * len(CLASSES)
        page.locator(".draw .learn").click()
        page.get_by_text("that it has never seen").wait_for()
        sentence = page.inner_text("h1")
        draw(page, 7, random)
        page.locator(".said.likeliest").wait_for()
        answer = page.inner_text(".said.likeliest span")
        save(page, "model.safetensors")
        with zipfile.ZipFile(save(page, "examples.zip")) as archive:
            assert archive.testzip() is None
            archive.extractall(tmp_path / "examples")
        images = held_out(tmp_path / "examples")
        said = page.evaluate(ASK, images.reshape(len(images), -1).tolist())
        assert not complaints
        return sentence, answer, said, images

    sentence, answer, said, images = page_browser.visit(act)
    count = len(images)
    found_right = re.fullmatch(rf"Of {count} drawings .* seen, (\d+) are right\.", sentence)
    assert found_right
    known = int(found_right[1])
    assert known >= 0.9 * count
    assert answer == "seven"

    model = lenet.open_model(tmp_path / "model.safetensors")
    logits = model.logits(images)
    shares = np.exp(logits - logits.max(1, keepdims=True))
    np.testing.assert_allclose(said, shares / shares.sum(1, keepdims=True), atol=1e-4)
    assert model.card.class_names == tuple(CLASSES)
    assert model.card.preparation == Preparation("symbol", "light-on-dark", 28, 28, 1, 4)
    assert model.card.results["test_accuracy"] == pytest.approx(known / count)

    found = lenet.load_dataset(str(tmp_path / "examples"))
    labels = [*found.train.labels.tolist(), *found.test.labels.tolist()]
    counts = Counter(found.class_names[label] for label in labels)
    assert counts == dict.fromkeys(CLASSES, DRAWINGS)


def held_out(folder: Path) -> np.ndarray:
    """Every fifth image of each class, (N, 1, 28, 28)."""
    files = [file for name in CLASSES for file in sorted((folder / name).iterdir())[HELD_OUT]]
    return np.stack([np.asarray(Image.open(file).convert("L"))[None] for file in files])


def test_what_is_lacking_is_one_clear_line(page_browser: PageBrowser, lab_page: Path) -> None:
    def act(page: Any) -> list[str]:
        open_teach(page, lab_page)
        told = [page.inner_text("h1")]
        names = page.locator(".own-class > div > input")
        for name in ("", "B", "../A"):
            names.first.fill(name)
            page.evaluate(SHOWN)
            told.append(page.inner_text("h1"))
        names.first.fill("A")
        page.locator(".own-class .plain").last.click()
        page.evaluate(SHOWN)
        assert page.locator(".draw .learn").is_disabled()
        return [*told, page.inner_text("h1")]

    blank, *told = page_browser.visit(act)
    assert blank.startswith("Draw examples of each class")
    assert [line.split(".")[0] for line in told] == [
        "Give each class a name",
        "Two classes have the same name",
        "A class's name may not begin with “",
        "One class is too few to tell apart",
    ]
