"""Drawing on the page, with a mouse and with the keyboard."""

import re
from pathlib import Path

from page_driver import Playground, on_playground

from lenet.models import BUNDLED, read_card
from page_in_browser import PageBrowser


def test_each_digit_is_read(page_browser: PageBrowser, digits_page: Path) -> None:
    def draw_all(page: Playground) -> list[str]:
        said = []
        for digit in range(10):
            page.page.click("#clear") if digit else None
            page.draw_with_mouse(digit) if digit in (4, 7) else page.draw(digit)
            said.append(page.answer())
        return said

    assert on_playground(page_browser, digits_page, draw_all) == list("0123456789")


def test_small_digits_off_the_centre_are_read(page_browser: PageBrowser, digits_page: Path) -> None:
    places = [{"left": 0.03, "top": 0.05}, {"left": 0.78, "top": 0.6}]

    def draw_all(page: Playground) -> list[str]:
        page.page.locator("#thickness").fill("3")
        said = []
        for digit in range(10):
            page.page.click("#clear") if digit else None
            page.draw(digit, high=0.3, **places[digit % 2])
            said.append(page.answer())
        return said

    assert on_playground(page_browser, digits_page, draw_all) == list("0123456789")


def test_the_answer_follows_every_stroke(page_browser: PageBrowser, digits_page: Path) -> None:
    def strokes(page: Playground) -> None:
        assert page.text(".certainty") == "Nothing to be seen"
        assert page.page.locator("#undo").is_disabled()
        page.draw(1)
        assert page.answer() == "1"
        page.draw(7, high=0.5, left=0.5, top=0.3)
        assert page.answer() == "None of these"
        percent = r"([<>]\u00a0)?[\d.]+\u00a0%"
        assert re.fullmatch(
            rf"nearest: \d, {percent}; none of these: {percent}", page.text(".certainty")
        )
        threshold = read_card(BUNDLED["digits"]).calibration.threshold
        assert page.text(".needed") == f"The line: an answer needs {100 * threshold:.1f}\u00a0%."
        page.page.click("#undo")
        page.settle()
        assert page.answer() == "1"
        page.page.click("#clear")
        page.settle()
        assert page.text(".certainty") == "Nothing to be seen"
        page.page.keyboard.press("Control+z")
        page.settle()
        assert page.answer() == "1"

    on_playground(page_browser, digits_page, strokes)


def test_the_eraser_takes_ink_away(page_browser: PageBrowser, digits_page: Path) -> None:
    def erase(page: Playground) -> None:
        page.draw(1)
        page.page.click("#eraser")
        page.settle()
        assert page.page.get_attribute("#eraser", "aria-pressed") == "true"
        page.page.locator("#thickness").fill("12")
        page.draw(1)
        assert page.text(".certainty") == "Nothing to be seen"

    on_playground(page_browser, digits_page, erase)


def test_a_digit_is_drawn_with_the_keyboard_alone(
    page_browser: PageBrowser, digits_page: Path
) -> None:
    def press(page: Playground) -> None:
        keys = page.page.keyboard
        for _ in range(4):  # the link to the answer, three buttons
            keys.press("Tab")
        keys.press("Tab")
        assert page.page.evaluate("() => document.activeElement.id") == "paper"
        for key in ["ArrowUp"] * 9 + ["ArrowLeft"] * 5:
            keys.press(key)
        keys.press("Space")  # the pen goes down for a 7 with straight strokes
        page.say_soon("#announcer", "Pen down")
        for _ in range(10):
            keys.press("ArrowRight")
        for _ in range(9):
            keys.press("ArrowDown")
            keys.press("ArrowDown")
            keys.press("ArrowLeft")
        keys.press("Space")
        page.settle()
        assert page.answer() == "7"
        page.say_soon("#announcer", "digits: 7: ")
        keys.press("Delete")
        page.settle()
        assert page.text(".certainty") == "Nothing to be seen"
        keys.press("n")
        page.settle()
        assert page.text("#shown") == "Right answer: 0"

    on_playground(page_browser, digits_page, press)


def test_a_finger_draws_and_a_second_one_does_not(
    page_browser: PageBrowser, digits_page: Path
) -> None:
    touch = """([x, y, primary]) => {
      const canvas = document.getElementById('paper');
      canvas.setPointerCapture = () => {}; // there is no such pointer
      const box = canvas.getBoundingClientRect();
      const at = (kind, y) => canvas.dispatchEvent(new PointerEvent(kind, {
        pointerId: primary ? 1 : 2, isPrimary: primary, pointerType: 'touch', bubbles: true,
        clientX: box.left + x * box.width, clientY: box.top + y * box.height}));
      at('pointerdown', y);
      for (let step = 1; step <= 10; step++) at('pointermove', y + step * 0.06);
      at('pointerup', y + 0.6);
    }"""

    def draw(page: Playground) -> None:
        page.page.evaluate(touch, [0.5, 0.2, True])
        page.page.evaluate(touch, [0.8, 0.2, False])
        page.settle()
        assert page.answer() == "1"

    on_playground(page_browser, digits_page, draw)
