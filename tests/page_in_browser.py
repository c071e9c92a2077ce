"""A real browser that looks at pages: what it complains of, fetches, and shows.

The browser lives in a thread of its own: Playwright's event loop would otherwise be in the way of
every other test that runs one.
"""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

T = TypeVar("T")
# The first opens a page with a third of the work that the whole browser has.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Sight:
    """What a browser made of a page.

    Attributes:
        complaints: Errors and warnings of its console.
        requests: Addresses that the page asked for, itself and data URIs left out.
        page_width: Of the page's content, in pixels; wider than the window if it overflows.
        hard_to_read: Texts whose contrast with their ground is below 4.5.
        without_alt: Images that have no text for those who don't see them.
        headings: Levels of the headings, in order.
        text: All that is to be read.
    """

    complaints: tuple[str, ...]
    requests: tuple[str, ...]
    page_width: int
    hard_to_read: tuple[str, ...]
    without_alt: tuple[str, ...]
    headings: tuple[int, ...]
    text: str

    def check(self, width: int, dark: bool) -> None:
        """Assert what is so of every page in every window."""
        assert not self.complaints
        assert not self.requests
        assert self.page_width <= width
        assert not self.hard_to_read, (width, dark)
        assert not self.without_alt
        assert self.headings[0] == 1


class PageBrowser:
    """Debian's Chromium, without its windows where that is there, or another that is called so."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "browser")
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def start(self, executable: str) -> None:
        """Start it."""

        def launch() -> None:
            from playwright.sync_api import sync_playwright

            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(
                executable_path=executable, args=["--no-sandbox"]
            )

        self._thread.submit(launch).result()

    def stop(self) -> None:
        """Stop it."""

        def close() -> None:
            if self._browser:
                self._browser.close()
            if self._playwright:
                self._playwright.stop()

        self._thread.submit(close).result()
        self._thread.shutdown()

    def visit(
        self,
        action: "Callable[[Page], T]",
        *,
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
    ) -> T:
        """Do something with an empty page and close it."""

        def act() -> T:
            assert self._browser
            page = self._browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
            )
            try:
                return action(page)
            finally:
                page.close()

        return self._thread.submit(act).result()

    def look_at(
        self,
        file: Path,
        *,
        width: int = 1280,
        dark: bool = False,
        picture: Path | None = None,
        act: "Callable[[Page], object] | None" = None,
    ) -> Sight:
        """Open a file, do something, and say what is to be seen.

        `picture` keeps a screenshot of all of it.
        """

        def look(page: "Page") -> Sight:
            sight = _open(page, file)
            if act is not None:
                act(page)
            if picture is not None:
                page.screenshot(path=picture, full_page=True)
            return sight()

        return self.visit(look, width=width, dark=dark)

    def look_at_all(
        self,
        file: Path,
        widths: tuple[int, ...],
        *,
        act: "Callable[[Page, bool], object] | None" = None,
        at_each: "Callable[[Page], object] | None" = None,
    ) -> dict[tuple[int, bool], Sight]:
        """Open a file once, and say what is to be seen of each width, light and dark (`True`).

        `act` does something in either theme, before the widths follow; `at_each` at each of them.
        """

        def look(page: "Page") -> dict[tuple[int, bool], Sight]:
            sight = _open(page, file)
            seen = {}
            for dark in (False, True):
                page.emulate_media(color_scheme="dark" if dark else "light")
                if act is not None:
                    act(page, dark)
                for width in widths:
                    page.set_viewport_size({"width": width, "height": 800})
                    page.evaluate(SHOWN)
                    if at_each is not None:
                        at_each(page)
                    seen[width, dark] = sight()
            return seen

        return self.visit(look)


def _open(page: "Page", file: Path) -> Callable[[], Sight]:
    """Go to a file; gives what says, at any time after it, what is to be seen."""
    complaints: list[str] = []
    requests: list[str] = []
    address = file.resolve().as_uri()
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address)

    def sight() -> Sight:
        seen: dict[str, Any] = page.evaluate(_LOOK)
        return Sight(
            complaints=tuple(complaints),
            requests=tuple(
                url for url in requests if url != address and not url.startswith(("data:", "blob:"))
            ),
            page_width=seen["width"],
            hard_to_read=tuple(seen["hardToRead"]),
            without_alt=tuple(seen["withoutAlt"]),
            headings=tuple(seen["headings"]),
            text=page.inner_text("body"),
        )

    return sight


def start_browser() -> PageBrowser:
    """Start the browser, or skip the test and say why there is none."""
    pytest.importorskip("playwright", reason="no playwright: `pip install 'lenet[dev]'`")
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        pytest.skip("no chromium on this machine: `apt-get install chromium-headless-shell`")
    browser = PageBrowser()
    browser.start(executable)
    return browser


# Waits until what was changed is to be seen.
SHOWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"

# The contrast is that of WCAG 2: of a text's colour, or fill in SVG, with all that lies below it.
_LOOK = """() => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, below) =>
    [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const ground = node => {
    const colours = [];
    for (; node; node = node.parentElement) {
      colours.push(rgba(getComputedStyle(node).backgroundColor));
    }
    return colours.reduceRight((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const luminance = colour => {
    const [red, green, blue] = colour.slice(0, 3).map(value => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const hardToRead = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || ['title', 'style', 'script'].includes(node.localName)) continue;
    const style = getComputedStyle(node);
    const below = ground(node);
    const ink = node.namespaceURI.endsWith('svg') ? style.fill : style.color;
    const pair = [luminance(over(rgba(ink), below)), luminance(below)].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) hardToRead.push(`${text.data.trim()}: ${contrast.toFixed(2)}`);
  }
  return {
    hardToRead,
    width: document.documentElement.scrollWidth,
    withoutAlt: [...document.querySelectorAll('img:not([alt]), img[alt=""]')].map(
      image => image.outerHTML.slice(0, 100)),
    headings: [...document.querySelectorAll('h1, h2, h3, h4')].map(node => +node.localName[1]),
  };
}"""
