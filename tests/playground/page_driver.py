"""The playground in a browser: opening it, drawing on it, reading what it says."""

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from drawn_digits import STROKES, Point
from page_in_browser import SHOWN, PageBrowser

T = TypeVar("T")


@dataclass
class Playground:
    """The page, as a person uses it."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, address: str) -> None:
        """Go there, and note from now on what the browser complains of and asks for."""
        page = self.page
        page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(address)
        page.locator(".probabilities tbody tr").first.wait_for()

    def settle(self) -> None:
        """Wait until what was done is shown."""
        self.page.evaluate(SHOWN)

    def draw(self, digit: int, *, high: float = 0.8, left: float = 0.26, top: float = 0.1) -> None:
        """Draw a digit, all at once; sizes and places are shares of the paper's side."""
        self.page.evaluate(DRAW, ["#paper", strokes_of(digit, high, left, top)])
        self.settle()

    def draw_with_mouse(self, digit: int) -> None:
        """Draw a digit point by point, as a person does."""
        high, left, top = 0.8, 0.26, 0.1
        mouse = self.page.mouse
        box = self.page.locator("#paper").bounding_box()
        side, x, y = box["width"], box["x"], box["y"]
        scale = high * side / 100
        for stroke in STROKES[digit]:
            points = [
                (x + left * side + across * scale, y + top * side + down * scale)
                for across, down in stroke
            ]
            mouse.move(*points[0])
            mouse.down()
            for point in _apart(points[1:], 7 * scale):
                mouse.move(*point)
            mouse.up()
        self.settle()

    def answers(self) -> list[str]:
        """What each network says."""
        return self.page.locator(".answer").all_inner_texts()

    def answer(self) -> str:
        """What the network says."""
        (said,) = self.answers()
        return said

    def text(self, selector: str) -> str:
        """What is to be read in an element."""
        return self.page.locator(selector).first.inner_text()

    def bring(self, name: str, content: bytes, *, how: str, kind: str = "image/png") -> None:
        """Drop or paste a file; `how` is `drop` or `paste`."""
        self.page.evaluate(_BRING, [name, base64.b64encode(content).decode(), how, kind])

    def say_soon(self, selector: str, wanted: str) -> None:
        """Wait until an element says something."""
        self.page.locator(selector).filter(has_text=wanted).first.wait_for()


def on_playground(
    browser: PageBrowser,
    file: Path,
    act: Callable[[Playground], T],
    *,
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    complaints: Sequence[str] = (),
) -> T:
    """Open the page, do something, and see that it asked for nothing and complained of nothing."""

    def visit(page: Any) -> T:
        playground = Playground(page)
        address = file.resolve().as_uri()
        playground.open(address)
        result = act(playground)
        asked = [url for url in playground.requests if not url.startswith(("data:", "blob:"))]
        assert asked == [address]
        assert playground.complaints == list(complaints)
        return result

    return browser.visit(visit, width=width, height=height, dark=dark)


def strokes_of(
    digit: int, high: float = 0.8, left: float = 0.26, top: float = 0.1
) -> list[list[Point]]:
    """A drawing of a digit; sizes and places are shares of the paper's side."""
    return [
        [(left + high * across / 100, top + high * down / 100) for across, down in points]
        for points in (_apart(list(stroke), 7) for stroke in STROKES[digit])
    ]


def _apart(points: list[Point], distance: float) -> list[Point]:
    """Points of a line, without those that are nearer to the one before; with the last one."""
    kept = points[:1]
    for point in points[1:]:
        if math.dist(point, kept[-1]) >= distance:
            kept.append(point)
    return [*kept, points[-1]]


# What the mouse sends to a canvas, without a frame of the screen between the points.
DRAW = """([selector, strokes]) => {
  const paper = document.querySelector(selector);
  paper.setPointerCapture = () => {}; // there is no such pointer
  const box = paper.getBoundingClientRect();
  const send = (kind, [x, y]) => paper.dispatchEvent(new PointerEvent(kind, {
    pointerId: 1, isPrimary: true, pointerType: 'mouse', bubbles: true, cancelable: true,
    clientX: box.left + x * box.width, clientY: box.top + y * box.height}));
  for (const points of strokes) {
    send('pointerdown', points[0]);
    for (const point of points.slice(1)) send('pointermove', point);
    send('pointerup', points.at(-1));
  }
}"""


def in_percent(text: str) -> float:
    """A share that is written in per cent; those just above 0 and below 100 are taken for these."""
    number = text.split("\u00a0%")[0]
    return (
        {"<\u00a00.1": 0.0, ">\u00a099.9": 1.0}[number]
        if number[0] in "<>"
        else float(number) / 100
    )


_BRING = """([name, content, how, kind]) => {
  const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, {type: kind}));
  const event = how === 'drop'
    ? new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})
    : new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true});
  document.body.dispatchEvent(event);
}"""
