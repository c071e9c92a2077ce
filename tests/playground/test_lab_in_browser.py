"""A network learns in the lab's page as by `lenet train`, and the page says what happens."""

from pathlib import Path
from typing import Any

import pytest

from calling import call
from lenet.datasets import Dataset, cached_datasets
from lenet.playground import LabSet, build_lab
from lenet.runs import open_run
from page_in_browser import SHOWN, PageBrowser

EPOCHS = 8


@pytest.fixture(scope="session")
def lab_page(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with the bundled digits alone."""
    file = tmp_path_factory.mktemp("lab") / "lab.html"
    file.write_text(build_lab([LabSet(digits, "digits")]), encoding="utf-8")
    return file


def set_to(page: Any, name: str, value: str) -> None:
    """Type a setting; where another one differs from it, that of the first training."""
    page.fill(f"#set-{name}", value)
    page.press(f"#set-{name}", "Tab")


def train(page: Any) -> None:
    """Press Play, and wait until it is finished."""
    page.locator(".buttons .learn:enabled").click()
    page.locator(".train.finished").wait_for(timeout=120_000)
    page.evaluate(SHOWN)


def visit(browser: PageBrowser, file: Path, act: Any, **window: Any) -> Any:
    """Open the page and do something; nothing is asked for and nothing complained of."""

    def look(page: Any) -> Any:
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.resolve().as_uri())
        page.locator(".by-layer").wait_for()
        result = act(page)
        assert not complaints
        return result

    return browser.visit(look, **window)


def test_it_learns_what_lenet_train_learns(page_browser: PageBrowser, lab_page: Path) -> None:
    def act(page: Any) -> tuple[str, str, str]:
        assert page.inner_text("h1") == "Nothing is learnt yet. Press Play, or take one step."
        set_to(page, "epochs", str(EPOCHS))
        train(page)
        chart = page.locator(".chart svg").get_attribute("aria-label")
        return page.inner_text("h1"), chart, page.inner_text(".settings .command")

    sentence, chart, command = visit(page_browser, lab_page, act)
    assert " ".join(command.split()) == (
        "lenet train --data digits --optimiser adam --learning-rate 0.005 --batch-size 64"
        f" --epochs {EPOCHS}"
    )
    call(*command.split()[1:], "--validation", "0", "--quiet")
    last = open_run("latest").history[-1]
    assert chart == (
        f"Lines over the epochs: train loss {last.train_loss:.3f}, "
        f"train accuracy {last.train_accuracy:.3f}, test accuracy {last.test_accuracy:.3f}"
    )
    assert f" {round(100 * last.test_accuracy)} of 100 test images are right." in sentence


def test_steps_epochs_and_the_way_back(page_browser: PageBrowser, lab_page: Path) -> None:
    def act(page: Any) -> None:
        place, buttons = page.locator(".place"), page.locator(".buttons .b")
        begun = page.locator(".by-layer").inner_text()
        buttons.nth(1).click()
        place.filter(has_text="epoch 0 of 30, step 1").wait_for()
        buttons.nth(2).click()
        place.filter(has_text="epoch 1 of 30, step 23").wait_for()
        assert page.locator(".chart circle").count() == 1
        assert page.locator(".by-layer").inner_text() != begun
        buttons.nth(3).click()
        place.filter(has_text="epoch 0 of 30, step 0").wait_for()
        page.evaluate(SHOWN)
        assert page.locator(".by-layer").inner_text() == begun
        assert page.locator(".chart circle").count() == 0
        buttons.nth(0).click()
        page.locator(".train.training").wait_for()
        buttons.nth(0).click()
        page.locator(".train.paused").wait_for()

    visit(page_browser, lab_page, act)


def test_what_can_t_be_built_is_refused_in_the_command_line_s_words(
    page_browser: PageBrowser, lab_page: Path
) -> None:
    wrong = {"kernel_size": "17", "learning_rate": "0", "batch_size": "0", "channels": "0"}

    def act(page: Any) -> dict[str, str]:
        told = {}
        for name, value in wrong.items():
            usual = page.input_value(f"#set-{name}")
            set_to(page, name, value)
            told[name] = page.locator(".refusal").inner_text()
            set_to(page, name, usual)
            page.locator(".by-layer").wait_for()
        return told

    for name, told in visit(page_browser, lab_page, act).items():
        flag = f"--{name.replace('_', '-')}"
        code = 4 if name == "kernel_size" else 2
        error = call("train", "--data", "digits", flag, wrong[name], code=code).stderr
        assert error.replace("`", "").strip() == f"Error: {told}"


def test_two_trainings_differ_in_what_is_varied(page_browser: PageBrowser, lab_page: Path) -> None:
    def act(page: Any) -> str:
        set_to(page, "epochs", str(EPOCHS))
        set_to(page, "learning_rate", "0.01")
        page.get_by_label("Learning rate: compare with another value").click()
        page.fill("#vary-learning_rate", "0.00001")
        page.press("#vary-learning_rate", "Tab")
        page.locator(".kernels.both").wait_for()
        assert " ".join(page.inner_text(".settings .command").split()).startswith(
            "lenet compare --data digits --vary learning_rate=0.01,0.00001"
        )
        train(page)
        page.locator(".chart .other circle, .chart .diamond").nth(EPOCHS - 1).wait_for()
        chart: str = page.locator(".chart svg").get_attribute("aria-label")
        page.get_by_label("Learning rate: compare with another value").click()
        page.locator(".kernels:not(.both)").wait_for()
        return chart

    chart = visit(page_browser, lab_page, act)
    one, other = (float(part.split()[-1]) for part in chart.split(", "))
    assert one > 0.5 > other


def test_the_page_is_sound_at_every_width(page_browser: PageBrowser, lab_page: Path) -> None:
    """The dark one in Chinese, with two trainings."""

    def act(page: Any, dark: bool) -> None:
        page.locator(".by-layer").wait_for()
        if dark:
            page.get_by_label("中文：切换为中文").click()
            page.get_by_label("激活函数：与另一个值比较").click()
            page.locator(".kernels.both").wait_for()
        page.locator(".buttons .b:enabled").nth(2).click()
        page.locator(".chart circle").first.wait_for()

    widths = (360, 768, 1280, 1920)
    sights = page_browser.look_at_all(lab_page, widths, act=act)
    for (width, dark), seen in sights.items():
        seen.check(width, dark)
        steps = zip(seen.headings, seen.headings[1:], strict=False)
        assert all(after - before <= 1 for before, after in steps)
        assert ("同一张图片" if dark else "This image, now") in seen.text


def test_the_address_says_what_is_trained(page_browser: PageBrowser, lab_page: Path) -> None:
    def act(page: Any) -> tuple[str, list[str]]:
        page.get_by_label("Activation: compare with another value").click()
        page.select_option("#vary-activation", "tanh")
        set_to(page, "channels", "4, 8")
        page.select_option("#set-pooling", "max")
        page.evaluate(SHOWN)
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        page.locator(".kernels.both").wait_for()
        fields = ("#set-channels", "#set-pooling", "#set-activation", "#vary-activation")
        found = [page.input_value(field) for field in fields]
        page.goto("about:blank")
        page.goto(address.partition("#")[0] + "#train?kernel_size=99&seed=1&nonsense=1")
        assert "window does not fit" in page.locator(".refusal").inner_text()
        return address, found

    address, found = visit(page_browser, lab_page, act)
    assert address.endswith("#train?channels=4%2C+8&pooling=max&vary.activation=tanh")
    assert found == ["4, 8", "max", "sigmoid", "tanh"]


def test_the_file_that_everybody_gets_is_small_and_its_experiments_show_what_they_say(
    page_browser: PageBrowser,
) -> None:
    """One of them: `benchmarks/lab_experiments.py` does all."""
    if {"fashion-mnist", "mnist"} - set(cached_datasets()):
        pytest.skip("Fashion-MNIST and MNIST are not on this machine")
    call("lab", "--output", "lab.html")
    file = Path("lab.html")
    assert file.stat().st_size <= 6_000_000

    def act(page: Any) -> str:
        page.get_by_role("link", name="Experiments").click()
        page.get_by_role("button", name="What does 0.9 do to ReLU?").click()
        page.get_by_text("learning rate", exact=False).first.wait_for()
        page.get_by_role("button", name="0.9", exact=True).click()
        told: str = page.locator(".notice").inner_text(timeout=60_000)
        assert page.locator(".sketch polyline").count() == 2
        return told

    told = visit(page_browser, file, act)
    assert told.startswith("You guessed otherwise. Of 100 test images ")
    assert "ReLU is steep" in told


def test_a_long_training_keeps_a_curve_that_is_seen(
    page_browser: PageBrowser, lab_page: Path
) -> None:
    def act(page: Any) -> list[int]:
        page.select_option("#set-model", "softmax")
        set_to(page, "epochs", "400")
        set_to(page, "batch_size", "512")  # three points an epoch
        train(page)
        assert page.inner_text("h1").startswith("After 400 epochs")
        lines = page.locator(".chart .ink polyline, .chart .learn:not(.dashed) polyline").all()
        return [len(line.get_attribute("points").split()) for line in lines]

    points, ends = visit(page_browser, lab_page, act)
    assert ends == 400
    assert ends <= points <= 1000
