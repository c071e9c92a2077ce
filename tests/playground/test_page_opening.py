"""Pictures, test images and models that are brought to the page."""

import io
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from page_driver import Playground, in_percent, on_playground
from PIL import Image

import lenet
from drawn_digits import photo
from lenet.models import BUNDLED, LeNetConfig, build_model, save_model
from lenet.playground import PlaygroundModel, build_playground, bundled_examples
from page_in_browser import PageBrowser


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_picture_is_read_as_the_command_reads_it(
    page_browser: PageBrowser, digits_page: Path
) -> None:
    def bring(page: Playground) -> None:
        for digit, how in [(3, "drop"), (7, "paste"), (3, "paste"), (7, "drop")]:
            (expected,) = lenet.predict("digits", photo(digit))
            page.bring("my <b>seven</b>.png", png(photo(digit)), how=how)
            page.say_soon(".answer", str(expected.class_name))
            share = in_percent(page.text(".certainty"))
            assert share == pytest.approx(expected.probability, abs=0.001)
            assert page.text("#shown") == "Picture: my <b>seven</b>.png"

    on_playground(page_browser, digits_page, bring)


def test_a_picture_is_opened_from_the_disk(
    page_browser: PageBrowser, digits_page: Path, tmp_path: Path
) -> None:
    file = tmp_path / "five.png"
    file.write_bytes(png(photo(5)))

    def choose(page: Playground) -> None:
        with page.page.expect_file_chooser() as chosen:
            page.page.click("#open-picture")
        chosen.value.set_files(file)
        page.say_soon(".answer", "5")
        page.draw(1)  # a new drawing, instead of the picture
        assert page.answer() == "1"
        assert not page.page.locator("#shown").inner_text()
        page.bring("paper.png", png(np.full((90, 60), 250, np.uint8)), how="drop")
        page.say_soon(".certainty", "Nothing to be seen")  # on empty paper
        page.page.click("#undo")
        page.settle()
        assert page.answer() == "1", "the drawing below is there again"

    on_playground(page_browser, digits_page, choose)


def test_a_file_that_can_not_be_used_is_said_in_words(
    page_browser: PageBrowser, digits_page: Path
) -> None:
    files = [
        ("broken.png", b"\x89PNG\r\n\x1a\n nothing", "broken.png is no picture that this browser"),
        ("letter.docx", b"PK\x03\x04", "letter.docx is no picture that this browser"),
        ("model.safetensors", b"\x10", "model can't be used as a model. The file is damaged"),
        ("model.safetensors", b"PK\x03\x04" * 99, "model can't be used as a model."),
    ]

    def bring(page: Playground) -> None:
        page.draw(4)
        for name, content, said in files:
            page.bring(name, content, how="drop")
            page.say_soon("#notice", said)
            assert page.answer() == "4", "what was there stays"
            page.page.click("#notice button")
            page.page.locator("#notice").wait_for(state="hidden")

    on_playground(page_browser, digits_page, bring)


def test_16_bits_are_read_by_their_full_scale_or_refused(
    page_browser: PageBrowser, digits_page: Path, tmp_path: Path
) -> None:
    network, card = lenet.load("digits")
    save_model(
        tmp_path / "deep.safetensors",
        network,
        class_names=card.class_names,
        normalisation=card.normalisation,
        preparation=card.preparation.replace(pixel_range=(0.0, 4095.0)),
    )
    deep = PlaygroundModel("deep", (tmp_path / "deep.safetensors").read_bytes())
    (tmp_path / "deep.html").write_text(build_playground([deep]), encoding="utf-8")
    said = "has 16 bits, and the browser keeps the upper 8 of them"

    def bring(page: Playground) -> None:
        page.bring("full.png", png(photo(7).astype(np.uint16) * 257), how="drop")
        page.say_soon(".answer", "7")
        page.bring("dark.png", png(photo(5).astype(np.uint16) * 16), how="drop")
        page.say_soon("#notice", f"dark.png {said}")
        assert page.answer() == "7", "what was there stays"

    def bring_to_deep(page: Playground) -> None:
        page.bring("grey.png", png(photo(7)), how="drop")
        page.say_soon(".answer", "7")
        page.bring("full.png", png(photo(5).astype(np.uint16) * 257), how="drop")
        page.say_soon("#notice", f"full.png {said}")

    on_playground(page_browser, digits_page, bring)
    on_playground(page_browser, tmp_path / "deep.html", bring_to_deep)


def test_the_test_images_are_the_dataset_s(page_browser: PageBrowser, digits_page: Path) -> None:
    examples = bundled_examples("digits")
    model = lenet.serving.open_model("digits")
    expected = model.probabilities(examples.images)

    def step(page: Playground) -> None:
        for index, label in enumerate(examples.labels):
            page.page.click("#next")
            page.settle()
            assert page.text("#shown") == f"Right answer: {label}"
            assert page.text("#example") == f"{index + 1} / 20"
            shown = page.page.locator(".probabilities td .number").all_inner_texts()
            np.testing.assert_allclose(list(map(in_percent, shown)), expected[index], atol=6e-4)
        page.page.click("#next")
        page.settle()
        assert page.text("#example") == "1 / 20"
        page.page.click("#previous")
        page.settle()
        assert page.text("#example") == "20 / 20"

    on_playground(page_browser, digits_page, step)


def test_two_models_are_compared(page_browser: PageBrowser, two_models_page: Path) -> None:
    def compare(page: Playground) -> None:
        page.page.select_option("#second-model", "fashion")
        page.page.locator(".verdict").nth(1).wait_for()
        assert page.page.locator("#comparison").is_hidden()
        page.draw(8)
        first, second = page.answers()
        assert first == "8"
        assert page.text("#comparison") == f"The two disagree: “8” and “{second}”."
        page.page.select_option("#inside-model", label="fashion")
        page.page.select_option("#second-model", "")
        page.settle()
        assert page.answers() == ["8"]
        page.page.select_option("#first-model", "fashion")
        page.settle()
        assert page.answers() == [second]

    on_playground(page_browser, two_models_page, compare)


def test_a_model_file_is_opened_and_compared(page_browser: PageBrowser, digits_page: Path) -> None:
    def bring(page: Playground) -> None:
        page.draw(6)
        content = BUNDLED["digits"].read_bytes()
        page.bring("digits.safetensors", content, how="drop", kind="")
        page.say_soon("#notice", "digits 2 is opened and compared.")
        page.settle()
        assert page.answers() == ["6", "6"]
        assert page.text("#comparison") == "Both give the same answer."

    on_playground(page_browser, digits_page, bring)


@pytest.mark.parametrize("shape", [(3, 32, 32), (2, 20, 24)], ids=["colour", "neither"])
def test_models_for_other_images_are_opened(
    page_browser: PageBrowser, digits_page: Path, tmp_path: Path, shape: tuple[int, int, int]
) -> None:
    names = tuple(f"<i>class {index}</i>" for index in range(40))
    file = tmp_path / "other.safetensors"
    config = LeNetConfig(input_shape=shape, classes=40)
    save_model(file, build_model(config), class_names=names)

    def bring(page: Playground) -> None:
        page.draw(6)
        page.bring("other.safetensors", file.read_bytes(), how="drop", kind="")
        page.page.locator(".verdict").nth(1).wait_for()
        page.settle()
        first, second = page.answers()
        assert first == "6"
        if shape[0] == 2:
            assert second == "–"
            assert "step through its test images" in page.text(".verdict:nth-child(2) .remark")
        else:
            assert second in names
            rows = page.page.locator(".verdict").nth(1).locator("tbody th").all_inner_texts()
            assert len(rows) == 11
            assert rows[-1] == "30 more classes"

    on_playground(page_browser, digits_page, bring)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, ThreadingHTTPServer]]:
    """A page on a server of its own, which has one model of two."""
    models = [PlaygroundModel(name, url=f"models/{name}.safetensors") for name in BUNDLED]
    (tmp_path / "index.html").write_text(build_playground(models), encoding="utf-8")
    (tmp_path / "models").mkdir()
    (tmp_path / "models/digits.safetensors").write_bytes(BUNDLED["digits"].read_bytes())

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_served_page_fetches_models_from_its_server_alone(
    page_browser: PageBrowser, served: tuple[str, ThreadingHTTPServer]
) -> None:
    address, _ = served

    def visit(page: Any) -> None:
        playground = Playground(page)
        playground.open(address)
        playground.draw(9)
        assert playground.answer() == "9"
        assert playground.requests == [address, f"{address}models/digits.safetensors"]
        page.select_option("#second-model", "fashion")
        playground.say_soon("#notice", "The model fashion can't be fetched.")
        assert playground.answers() == ["9"]
        assert page.input_value("#second-model") == ""

    page_browser.visit(visit)


LACKING = {
    "delete globalThis.WebAssembly": "can't compute what the page shows",
    "WebAssembly.validate = () => false": "can't compute what the page shows",
    "delete globalThis.DecompressionStream": "can't compute what the page shows",
    "WebAssembly.instantiate = async () => { throw new RangeError(); }": "no more memory",
}


@pytest.mark.parametrize("lack", LACKING)
def test_a_browser_that_can_not_run_the_core_is_told(
    page_browser: PageBrowser, digits_page: Path, lack: str
) -> None:
    def visit(page: Any) -> None:
        playground = Playground(page)
        page.add_init_script(lack)
        page.on("pageerror", lambda error: playground.complaints.append(str(error)))
        page.goto(digits_page.resolve().as_uri())
        playground.say_soon("#notice", LACKING[lack])
        playground.draw(3)
        assert not page.locator(".verdict").count()
        page.click("#language")
        playground.say_soon("#notice", "浏览器")
        assert not playground.complaints

    page_browser.visit(visit)


# So much memory that the core begins, and none once it is asked to run short.
SCARCE = """
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (bytes) => {
  const { instance: { exports } } = await instantiate(bytes);
  const lenet_alloc = (count) => (globalThis.isScarce ? 0 : exports.lenet_alloc(count));
  return { instance: { exports: { ...exports, lenet_alloc } } };
};
"""


def test_memory_that_runs_out_is_told(page_browser: PageBrowser, digits_page: Path) -> None:
    def visit(page: Any) -> None:
        playground = Playground(page)
        page.add_init_script(SCARCE)
        playground.open(digits_page.resolve().as_uri())
        playground.draw(3)
        assert playground.answer() == "3"
        page.evaluate("globalThis.isScarce = true")
        playground.draw(1)
        playground.say_soon("#notice", "no more memory")
        page.evaluate("globalThis.isScarce = false")
        playground.draw(1)
        page.click("#notice button")
        playground.settle()
        assert page.locator("#notice").is_hidden()
        assert not playground.complaints

    page_browser.visit(visit)
