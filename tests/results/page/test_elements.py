from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lenet.results import Page, Section, element, render


class _Reader(HTMLParser):
    """Python's own reader of HTML: which tags are there, and which texts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))


@given(TEXTS, TEXTS)
def test_any_text_stays_text(text: str, value: str) -> None:
    found = read(render(element("p", text, title=value)))
    assert found.tags == [("p", [("title", value)])]
    assert found.text == text


def test_what_cannot_be_encoded_is_replaced() -> None:
    assert render("a\x00b\udcff\x1bc").encode() == "a\ufffdb\ufffd\ufffdc".encode()


def test_line_breaks_and_tabs_are_kept() -> None:
    assert render("a\n\tb") == "a\n\tb"


@pytest.mark.parametrize("tag", ["script", "style", "iframe", "p onclick", "", "foreignObject"])
def test_elements_that_could_act_are_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="no element"):
        element(tag)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("href", "javascript:alert(1)"),
        ("href", "https://example.org"),
        ("src", "http://example.org/a.png"),
        ("src", "data:text/html,x"),
        ("onclick", "alert(1)"),
        ("onLoad", "x"),
        ("a b", "x"),
        ('x"', "y"),
    ],
)
def test_attributes_that_lead_elsewhere_or_act_are_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"attribute|begin with"):
        element("a", **{name: value})


def test_attributes_follow_python_names() -> None:
    drawn = element("svg", stroke_width=0.5, class_="x", hidden=True, id=None, lang=False)
    assert render(drawn) == '<svg stroke-width="0.5" class="x" hidden=""></svg>'


def test_a_page_has_its_policy_contents_and_headings_in_order() -> None:
    sections = (Section("<One>", "one", ("a",)), Section("Two", "two", (element("h3", "b"),)))
    found = read(Page("A & B", "below", sections=sections).to_html())
    tags = [tag for tag, _ in found.tags]
    assert [tag for tag in tags if tag in ("h1", "h2", "h3")] == ["h1", "h2", "h2", "h3"]
    assert ("html", [("lang", "en")]) in found.tags
    links = [dict(attributes)["href"] for tag, attributes in found.tags if tag == "a"]
    assert links == ["#one", "#two"]
    policy = next(
        dict(a)["content"] for t, a in found.tags if ("http-equiv", "Content-Security-Policy") in a
    )
    assert "default-src 'none'" in (policy or "")
    assert "script-src" not in (policy or "")
