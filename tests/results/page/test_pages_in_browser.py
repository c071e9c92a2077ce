from pathlib import Path

import numpy as np

from lenet.results import (
    Axis,
    Column,
    Page,
    Section,
    Series,
    bullets,
    code_block,
    draw_chart,
    facts,
    figure,
    note,
    paragraph,
    picture,
    picture_grid,
    row,
    table,
    tiles,
)
from page_in_browser import PageBrowser

HOSTILE = "</style><script>document.title = 'taken'</script><img src=http://127.0.0.1/x onerror=x>"
LONG = "a_very_long_name_without_any_space_in_it_" * 6


def everything() -> Page:
    """A page with every part, and texts that try to break out of it."""
    series = [
        Series(HOSTILE, ((0, 0.2), (1, 0.4), (2, 0.9)), "marked-line", 1, ((0.1, 0.3),) * 3),
        Series("b", ((0, 0.3), (1, 0.5), (2, 0.7)), "marked-line", 2),
        Series("c", ((0, 0.6), (1, 0.6), (2, 0.6)), "bars", 3),
    ]
    chart = draw_chart(series, Axis(HOSTILE, 0, 2), Axis(LONG, 0, 1, is_share=True), HOSTILE)
    image = picture(np.zeros((28, 28), np.uint8), HOSTILE)
    wide = table(
        [Column(HOSTILE), *(Column(f"class {index}", True) for index in range(30))],
        [[LONG, *("123" for _ in range(30))]],
        HOSTILE,
    )
    sections = (
        Section(HOSTILE, "one", (paragraph(HOSTILE), note(LONG), bullets([HOSTILE, LONG]), wide)),
        Section("Two", "two", (row([figure(chart, HOSTILE, LONG)] * 2), code_block("x" * 300))),
        Section("Three", "three", (picture_grid([(image, LONG)] * 9), facts([(LONG, LONG)]))),
    )
    return Page(HOSTILE, LONG, (tiles([("a", LONG, HOSTILE), ("b", "1", "")]),), sections, (LONG,))


def test_a_page_with_everything_is_sound(page_browser: PageBrowser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(everything().to_html(), encoding="utf-8")
    sights = page_browser.look_at_all(file, (360, 768, 1920))
    assert len(sights) == 6
    for (width, dark), seen in sights.items():
        seen.check(width, dark)
        assert seen.headings == (1, 2, 2, 2)
        assert HOSTILE in seen.text


def test_the_browser_sees_what_is_wrong(page_browser: PageBrowser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(
        "<p style='color: #999; background: #888'>pale</p><div style='width: 900px'>wide</div>"
        "<img src='missing.png'><script>console.error('oh')</script>"
    )
    seen = page_browser.look_at(file, width=360)
    assert any("oh" in complaint for complaint in seen.complaints)
    assert any(url.endswith("missing.png") for url in seen.requests)
    assert seen.page_width > 360
    assert seen.hard_to_read[0].startswith("pale")
    assert seen.without_alt
