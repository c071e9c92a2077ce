"""How the page looks, sounds and keeps to itself: widths, themes, languages, names, its policy."""

from pathlib import Path
from typing import Any

from page_driver import Playground, on_playground

from page_in_browser import PageBrowser


def busy(page: Any) -> Playground:
    """The page with a drawing, two models and a number that is looked into."""
    playground = Playground(page)
    page.locator(".probabilities tbody tr").first.wait_for()
    playground.draw(5)
    page.select_option("#second-model", "fashion")
    page.locator(".verdict").nth(1).wait_for()
    page.locator("canvas.maps").nth(5).click(position={"x": 12, "y": 12})
    playground.settle()
    return playground


def test_the_page_is_sound_at_every_width(page_browser: PageBrowser, two_models_page: Path) -> None:
    """The dark one in Chinese."""

    def act(page: Any, dark: bool) -> None:
        if dark:
            page.click("#language")
        else:
            busy(page)
            page.click("#next")

    def check_room(page: Any) -> None:
        for answer in page.locator(".said").all():
            assert answer.evaluate("box => box.scrollWidth <= box.clientWidth")
            assert answer.bounding_box()["width"] > 60

    widths = (360, 768, 1280, 1920)
    sights = page_browser.look_at_all(two_models_page, widths, act=act, at_each=check_room)
    assert len(sights) == 2 * len(widths)
    for (width, dark), seen in sights.items():
        seen.check(width, dark)
        steps = zip(seen.headings, seen.headings[1:], strict=False)
        assert all(after - before <= 1 for before, after in steps)
        assert ("图像中的 8 × 8 个像素" if dark else "It depends on 8 × 8 pixels") in seen.text


def test_drawing_answer_and_what_was_seen_need_no_scrolling(
    page_browser: PageBrowser, digits_page: Path
) -> None:
    def look(page: Playground) -> None:
        page.draw(4)
        for width, height in [(360, 740), (1280, 800), (1920, 1080)]:
            page.page.set_viewport_size({"width": width, "height": height})
            page.settle()
            for selector in ("#paper", ".seen canvas", ".answer", ".certainty"):
                box = page.page.locator(selector).bounding_box()
                assert box["y"] + box["height"] <= height, (selector, width)

    on_playground(page_browser, digits_page, look)


def test_the_language_is_switched_and_remembered(
    page_browser: PageBrowser, two_models_page: Path
) -> None:
    def switch(page: Playground) -> None:
        page.page.select_option("#first-model", "fashion")
        page.draw(8)
        english = page.page.inner_text("body")
        page.page.click("#language")
        page.settle()
        assert page.page.get_attribute("html", "lang") == "zh-CN"
        assert page.text("h1") == "LeNet 实验台"
        assert page.page.title() == "LeNet 实验台"
        assert "连衣裙" in page.page.locator("tbody th").all_inner_texts()
        chinese = page.page.inner_text("body")
        shared = set(english.split()) & set(chinese.split())
        words = {word for word in shared if word.isalpha() and word.isascii() and len(word) > 2}
        assert words <= {"LeNet", "Linear", "ReLU", "Tab", "English", "digits", "fashion"}
        page.page.reload()
        page.page.locator(".probabilities tbody tr").first.wait_for()
        assert page.text("h1") == "LeNet 实验台"
        page.page.click("#language")
        assert page.text("h1") == "LeNet playground"

    def visit(page: Any) -> None:
        playground = Playground(page)
        playground.open(two_models_page.resolve().as_uri())
        switch(playground)
        assert not playground.complaints

    page_browser.visit(visit)


def test_the_theme_is_the_systems_or_the_one_that_was_chosen(
    page_browser: PageBrowser, digits_page: Path
) -> None:
    def ground(page: Playground) -> str:
        page.settle()
        return str(page.page.evaluate("() => getComputedStyle(document.body).backgroundColor"))

    def switch(page: Playground) -> None:
        dark = ground(page)
        page.page.click("#theme")  # light
        light = ground(page)
        assert light != dark
        page.page.click("#theme")  # dark
        assert ground(page) == dark
        page.page.emulate_media(color_scheme="light")
        assert ground(page) == dark
        page.page.click("#theme")  # the system's again
        assert ground(page) == light

    on_playground(page_browser, digits_page, switch, dark=True)


def test_whatever_can_be_reached_has_a_name(
    page_browser: PageBrowser, two_models_page: Path
) -> None:
    def look(page: Any) -> list[dict[str, Any]]:
        playground = Playground(page)
        playground.open(two_models_page.resolve().as_uri())
        busy(page)
        page.wait_for_timeout(900)  # what a canvas shows is described when nothing changes
        page.click("#help-open")
        session = page.context.new_cdp_session(page)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        page.click("#help-close")
        nodes += session.send("Accessibility.getFullAXTree")["nodes"]
        assert not page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count()
        return nodes

    nodes = [node for node in page_browser.visit(look, height=2400) if not node.get("ignored")]

    def of_role(*roles: str) -> list[str]:
        return [
            node.get("name", {}).get("value", "")
            for node in nodes
            if node.get("role", {}).get("value") in roles
        ]

    for role in ("button", "combobox", "slider", "link", "Canvas", "application", "img", "dialog"):
        names = of_role(role)
        assert all(names), f"a {role} has no name: {names}"
    assert {"Undo", "Clear", "Test images"} <= {*of_role("button", "group")}
    assert len(set(of_role("region"))) >= 3
    assert of_role("main", "banner", "complementary", "status", "table")


def test_the_answer_is_read_out_when_the_pen_rests(
    page_browser: PageBrowser, digits_page: Path
) -> None:
    def listen(page: Playground) -> None:
        page.draw(3)
        page.page.evaluate(
            """() => {
              window.said = [];
              const place = document.getElementById('announcer');
              new MutationObserver(() => said.push(place.textContent)).observe(
                place, {childList: true, characterData: true, subtree: true});
            }"""
        )
        page.page.click("#clear")
        page.draw(7)
        page.say_soon("#announcer", "digits: 7: ")
        assert len(page.page.evaluate("() => said")) <= 3

    on_playground(page_browser, digits_page, listen)


def test_the_policy_is_in_force(page_browser: PageBrowser, digits_page: Path) -> None:
    """Nothing is run that was not in the page, and nothing is fetched."""
    attack = """async () => {
      const seen = [];
      document.addEventListener('securitypolicyviolation', e => seen.push(e.effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'window.taken = true';
      document.body.append(script);
      const style = document.createElement('style');
      style.textContent = 'body { display: none }';
      document.body.append(style);
      const image = new Image();
      image.src = 'https://example.org/x.png';
      try { await fetch('https://example.org/'); } catch { /* as it should be */ }
      await new Promise(done => setTimeout(done, 100));
      return [seen.sort(), window.taken, getComputedStyle(document.body).display];
    }"""

    def visit(page: Any) -> Any:
        playground = Playground(page)
        playground.open(digits_page.resolve().as_uri())
        return page.evaluate(attack)

    violations, taken, display = page_browser.visit(visit)
    assert violations == ["connect-src", "img-src", "script-src-elem", "style-src-elem"]
    assert taken is None
    assert display == "block"


def test_colours_may_be_forced_and_movement_unwanted(
    page_browser: PageBrowser, digits_page: Path
) -> None:
    def look(page: Playground) -> None:
        page.page.emulate_media(forced_colors="active", reduced_motion="reduce")
        page.draw(2)
        assert page.answer() == "2"
        bar = "() => getComputedStyle(document.querySelector('.chosen .bar'))"
        assert page.page.evaluate(f"{bar.removesuffix(')')}).transitionDuration") == "0s"
        ground = page.page.evaluate(f"{bar.removesuffix(')')}).backgroundColor")
        assert ground != "rgba(0, 0, 0, 0)"

    on_playground(page_browser, digits_page, look)


LINES_OF_A_WORD = """
(answer) => {
  answer.textContent = "triangle";
  answer.classList.add("word");
  const text = document.createRange();
  text.selectNodeContents(answer);
  return text.getClientRects().length;
}
"""


def test_a_word_does_not_break_in_two(page_browser: PageBrowser, digits_page: Path) -> None:
    def look(page: Playground) -> None:
        page.draw(4)
        for width, height in [(360, 740), (1024, 800), (1300, 800), (1300, 1100)]:
            page.page.set_viewport_size({"width": width, "height": height})
            page.settle()
            lines = page.page.locator(".answer").evaluate(LINES_OF_A_WORD)
            assert lines == 1, (width, height)

    on_playground(page_browser, digits_page, look)
