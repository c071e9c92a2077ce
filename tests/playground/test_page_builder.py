"""The page as a file: what is in it, how large it is, what is refused."""

import base64
import hashlib
import json
import re
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lenet.playground
from lenet.datasets import Dataset, Split
from lenet.errors import SettingError
from lenet.models import BUNDLED, LeNetConfig, build_model, save_model
from lenet.playground import (
    PlaygroundModel,
    build_playground,
    bundled_examples,
    choose_examples,
)

# The parts of a page, each held against what undoes it.
from lenet.playground._packing import pack
from lenet.playground._script import join_modules, shorten
from page_in_browser import PageBrowser

FOLDER = Path(lenet.playground.__file__).parent
MODULES = sorted(FOLDER.glob("*.js"))


def embedded(page: str) -> dict[str, object]:
    """What the page's script reads."""
    (text,) = re.findall(r'id="page-data">(.*?)</script>', page, re.DOTALL)
    values: dict[str, object] = json.loads(text)
    return values


def test_the_exported_page_is_small(digits_page: Path) -> None:
    """With a LeNet of 61,706 parameters, its batch normalisation and 20 examples."""
    assert digits_page.stat().st_size <= 520_000


@given(st.binary(max_size=200))
def test_what_is_packed_can_be_unpacked(content: bytes) -> None:
    planes = zlib.decompress(base64.b64decode(pack(content)))
    numbers = np.frombuffer(planes, np.uint8).reshape(4, -1).T.tobytes()
    assert numbers[: len(content)] == content
    assert not any(numbers[len(content) :])


def test_names_end_no_script(tmp_path: Path, page_browser: PageBrowser) -> None:
    hostile = "</script><script>document.title = 'taken'</script><!--{{script}}\u2028"
    names = (hostile, *(f"class {index}" for index in range(9)))
    file = tmp_path / "model.safetensors"
    save_model(file, build_model(LeNetConfig()), class_names=names)
    examples = Split(np.zeros((1, 1, 28, 28), np.uint8), np.zeros(1, np.int64))
    page = build_playground(
        [PlaygroundModel(hostile, file.read_bytes())], examples={hostile: examples}
    )
    assert page.count("</script>") == 2
    output = tmp_path / "page.html"
    output.write_text(page, encoding="utf-8")
    seen = page_browser.look_at(
        output, act=lambda page: page.locator(".probabilities tbody tr").first.wait_for()
    )
    assert not seen.complaints
    assert hostile.strip() in seen.text


def test_the_policy_names_the_script_and_the_style(digits_page: Path) -> None:
    page = digits_page.read_text(encoding="utf-8")
    (policy,) = re.findall(r'Policy" content="(.*?)"', page)
    for kind, pattern in (
        ("script", r'<script type="module">(.*?)</script>'),
        ("style", r"<style>(.*?)</style>"),
    ):
        (text,) = re.findall(pattern, page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "connect-src 'none'" in policy


def test_a_served_page_may_ask_its_own_server() -> None:
    page = build_playground([PlaygroundModel("digits", url="models/digits.safetensors")])
    assert "connect-src 'self'" in page
    assert embedded(page)["models"] == [{"name": "digits", "url": "models/digits.safetensors"}]
    assert len(page) < 250_000


@pytest.mark.parametrize("url", ["https://example.org/x", "//example.org/x", "data:,x"])
def test_other_servers_are_refused(url: str) -> None:
    with pytest.raises(SettingError, match="own server"):
        PlaygroundModel("digits", url=url)


def test_what_the_page_could_not_show_is_refused() -> None:
    digits = PlaygroundModel("digits", BUNDLED["digits"].read_bytes())
    with pytest.raises(SettingError, match="at least one model"):
        build_playground([])
    with pytest.raises(SettingError, match="Two models are called `digits`"):
        build_playground([digits, digits])
    with pytest.raises(SettingError, match="no such model"):
        build_playground([digits], examples={"fashion": bundled_examples("fashion")})
    many = Split(np.zeros((600, 1, 28, 28), np.uint8), np.zeros(600, np.int64))
    with pytest.raises(SettingError, match="at most 585 fit"):
        build_playground([digits], examples={"digits": many})
    with pytest.raises(SettingError, match="either"):
        PlaygroundModel("digits")


def test_examples_are_equally_many_of_each_class(digits: Dataset) -> None:
    assert digits.test is not None
    chosen = choose_examples(digits.test, 25, seed=3)
    assert Counter(chosen.labels.tolist()) == {label: 3 if label < 5 else 2 for label in range(10)}
    again = choose_examples(digits.test, 25, seed=3)
    np.testing.assert_array_equal(chosen.images, again.images)
    assert (choose_examples(digits.test, 25, seed=4).images != chosen.images).any()
    few = digits.test.take(np.flatnonzero(digits.test.labels == 7)[:4])
    assert len(choose_examples(few, 25)) == 4
    with pytest.raises(SettingError, match="`count`"):
        choose_examples(few, 0)


@pytest.mark.fashion_mnist
def test_the_shipped_examples_are_fashion_mnist_s(fashion_mnist: Dataset) -> None:
    chosen, shipped = choose_examples(fashion_mnist.require_test()), bundled_examples("fashion")
    np.testing.assert_array_equal(shipped.images, chosen.images)
    np.testing.assert_array_equal(shipped.labels, chosen.labels)


def test_modules_can_be_joined() -> None:
    """Each name at the top of a module is the only one; no template goes over a line's end."""
    names = Counter(
        name
        for module in MODULES
        for name in re.findall(
            r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)",
            module.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )
    assert names
    assert [name for name, count in names.items() if count > 1] == []
    for module in MODULES:
        for line in module.read_text(encoding="utf-8").splitlines():
            code = line.split("// ")[0]
            if not code.lstrip().startswith("*"):
                assert code.count("`") % 2 == 0, f"{module.name}: {line}"
    script = join_modules(FOLDER, "app.js")
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    assert "/**" not in script


def test_texts_survive_that_comments_are_taken_out() -> None:
    text = 'const address = "http://x"; // why\n/* one\n   two */\n  call(`// ${a}`);\n'
    assert shorten(text) == 'const address = "http://x";\ncall(`// ${a}`);\n'
    assert shorten("f(/** @type {{a: B}} */ (x), 2);\n") == "f((x), 2);\n"
    text = "/** @type {A} */ (x).f();\ng();\n/** doc */\nh();\n"
    assert shorten(text) == "(x).f();\ng();\nh();\n"


def test_both_languages_have_every_word() -> None:
    text = (FOLDER / "words.js").read_text(encoding="utf-8")
    english, chinese = (
        re.findall(r"^ {2}(\w+):", part, re.MULTILINE) for part in text.split("const CHINESE")
    )
    assert len(english) > 80
    assert chinese == english


def test_all_words_stand_in_one_file() -> None:
    """Neither the page nor its modules say anything themselves."""
    page = (FOLDER / "playground.html").read_text(encoding="utf-8")
    without = re.sub(r"<(style|script|noscript|title).*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert set(without.split()) <= {"?", "×"}
    said = re.findall(r'data-(?:word|label)="(\w+)"', page)
    words = (FOLDER / "words.js").read_text(encoding="utf-8")
    assert said
    assert [word for word in said if not re.search(rf"^  {word}:\s+\"", words, re.MULTILINE)] == []
