"""Reports in a real browser: every width, both themes, names that try to break out."""

from pathlib import Path

import pytest
from odd_runs import HOSTILE, make_dataset, train

import lenet
from lenet.results import report
from page_in_browser import PageBrowser


@pytest.fixture(scope="module")
def pages(run: lenet.Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An ordinary report, and one of 62 classes with names that are long or hostile."""
    folder = tmp_path_factory.mktemp("runs")
    names = (HOSTILE, "a very long name of a class " * 5, "without_any_space_" * 12)
    names += tuple(f"class {index}" for index in range(59))
    odd = make_dataset(62, (3, 20, 24), images=4, names=names)
    return {
        "ordinary": report(run, output=folder / "ordinary.html"),
        "odd": report(train(odd, folder), odd),
    }


@pytest.mark.parametrize("kind", ["ordinary", "odd"])
def test_a_report_is_sound(page_browser: PageBrowser, pages: dict[str, Path], kind: str) -> None:
    sights = page_browser.look_at_all(pages[kind], (360, 768, 1920))
    assert len(sights) == 6
    for (width, dark), seen in sights.items():
        seen.check(width, dark)
        steps = zip(seen.headings, seen.headings[1:], strict=False)
        assert all(after - before <= 1 for before, after in steps)
        if kind == "odd":
            assert HOSTILE in seen.text


def test_the_headings_of_the_contents_lead_to_their_sections(
    page_browser: PageBrowser, pages: dict[str, Path]
) -> None:
    address = pages["ordinary"].resolve().as_uri()

    def missing(page) -> list[str]:  # type: ignore[no-untyped-def]
        page.goto(address)
        return page.evaluate(
            "() => [...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))"
            ".filter(href => !document.querySelector(href))"
        )

    assert page_browser.visit(missing) == []


def test_a_printed_report_fits_on_paper(page_browser: PageBrowser, pages: dict[str, Path]) -> None:
    address = pages["ordinary"].resolve().as_uri()

    def printed(page) -> tuple[int, str]:  # type: ignore[no-untyped-def]
        page.goto(address)
        page.emulate_media(media="print")
        return page.evaluate(
            "() => [document.documentElement.scrollWidth, getComputedStyle(document.body).color]"
        )

    width, ink = page_browser.visit(printed, width=720, dark=True)
    assert width <= 720
    assert ink == "rgb(26, 31, 37)", "dark on paper, whatever the screen's theme"
