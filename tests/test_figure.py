"""Every drawing shows itself in a notebook and writes Chinese, with whatever fonts there are."""

import ast
import io
import os
import pickle
import subprocess
import sys
import threading
import warnings
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from nbclient import NotebookClient

import lenet
from every_drawing import NAMES, every_drawing
from forked_process import ForkedProcess
from lenet.results import draw_confusion, score_predictions
from lenet.training import draw_curves

PACKAGE = Path(lenet.__file__).parent
HAS_CHINESE = any(FT2Font(entry.fname).get_char_index(ord("毛")) for entry in fontManager.ttflist)
needs_chinese = pytest.mark.skipif(
    not HAS_CHINESE, reason="no font with Chinese characters; `apt-get install fonts-wqy-microhei`"
)
# A process in which a warning is an error, and in which matplotlib knows the fonts that it brings
# itself, and finds no others.
ON_A_BARE_MACHINE = """
import warnings
warnings.simplefilter("error")
import matplotlib.font_manager as fonts
fonts.fontManager.ttflist = [one for one in fonts.fontManager.ttflist if "mpl-data" in one.fname]
find_fonts, fonts.findSystemFonts = fonts.findSystemFonts, lambda: []
"""


def png(figure: Figure) -> bytes:
    """The picture, as a person saves it."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def errors_of(code: str) -> str:
    """What a program in the current folder prints as errors; it ends well."""
    process = ForkedProcess(code=code)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return errors


def run_notebook(*sources: str) -> list[nbformat.NotebookNode]:
    """The cells of a notebook, executed in a kernel in which nothing was set up."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return list(notebook.cells)


def pictures(cell: nbformat.NotebookNode) -> list[set[str]]:
    """The forms in which each output that has a picture or a figure's name brings it."""
    return [
        set(output.data)
        for output in cell.outputs
        if "data" in output and ("Axes" in output.data["text/plain"] or len(output.data) > 1)
    ]


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Figure]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("drawings"))
        return every_drawing()


def test_every_public_function_that_gives_a_figure_is_tested(drawings: dict[str, Figure]) -> None:
    rooms = [getattr(lenet, path.parent.name) for path in PACKAGE.glob("*/__init__.pyi")]
    functions = {name: getattr(room, name) for room in rooms for name in room.__all__}
    giving = {
        name
        for name, function in functions.items()
        if getattr(function, "__annotations__", {}).get("return") in (Figure, "Figure")
    }
    assert giving == set(drawings)


def test_there_is_one_place_that_makes_figures() -> None:
    for file in PACKAGE.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if file.name == "_figure.py" or "matplotlib.figure" not in text:
            continue
        tree = ast.parse(text)
        for_types = [
            node
            for branch in ast.walk(tree)
            if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
            for node in branch.body
        ]
        makers = {
            node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node not in for_types
        }
        assert "matplotlib.figure" not in makers, file


@needs_chinese
def test_every_drawing_has_a_font_for_its_words(
    drawings: dict[str, Figure], caplog: pytest.LogCaptureFixture
) -> None:
    written = set()
    font = cache(FT2Font)
    for name, figure in drawings.items():
        figure.savefig(io.BytesIO(), format="png", bbox_inches="tight", dpi=20)
        figure.savefig(io.BytesIO(), format="svg", bbox_inches="tight")
        for text in figure.findobj(Text):
            families = text.get_fontfamily()  # type: ignore[attr-defined]
            files = [findfont(FontProperties(family=[family])) for family in families]
            for character in set(text.get_text()) - {"\n"}:  # type: ignore[attr-defined]
                has_it = [font(file).get_char_index(ord(character)) > 0 for file in files]
                assert any(has_it), f"{name}: {character}"
                written.add(character)
    assert set("".join(NAMES) + "图片衣服") <= written
    assert not caplog.records


@needs_chinese
def test_a_title_that_is_set_later_is_written_too() -> None:
    figure = draw_curves([], 1, "curves")
    before = png(figure)
    figure.axes[0].set_title("曲线")
    png(figure)
    assert len(figure.axes[0].title.get_fontfamily()) == 2
    figure.axes[0].set_title("curves")
    assert png(figure) == before, "the font of other words stays"


@needs_chinese
def test_a_font_that_came_after_matplotlib_had_looked_is_found() -> None:
    code = (
        f"{ON_A_BARE_MACHINE}\nfonts.findSystemFonts = find_fonts"
        + """
from lenet.training import draw_curves
figure = draw_curves([], 1, "毛衣")
figure.savefig("curves.png")
assert len(figure.axes[0].title.get_fontfamily()) == 2
"""
    )
    assert errors_of(code) == ""


def test_without_a_font_there_are_boxes_and_one_line_that_says_what_to_install() -> None:
    code = (
        ON_A_BARE_MACHINE
        + """
from every_drawing import every_drawing
from lenet import d2l
figures = every_drawing()
animator = d2l.Animator(xlabel="轮次", legend=["训练损失"])
animator.add(1, [0.5])
figures["Animator"] = animator.fig
for name, figure in figures.items():
    figure.savefig(f"{name}.png", bbox_inches="tight")
    figure.draw_without_rendering()  # nothing more is said
"""
    )
    (line,) = errors_of(code).splitlines()
    assert "apt-get install fonts-noto-cjk" in line
    assert len(list(Path.cwd().glob("*.png"))) == 15, "one of them is the picture that is looked at"


def test_characters_that_no_font_may_have_are_drawn_and_no_font_is_offered_for_them(
    caplog: pytest.LogCaptureFixture,
) -> None:
    png(draw_curves([], 1, "a\x1b[31mb\x85\ue000\ufdd0\u202e"))
    assert not caplog.records


def test_threads_draw_boxes_and_other_figures_keep_their_warnings() -> None:
    unassigned = "\u0378"  # not assigned: no font has it
    before = list(warnings.filters)
    threads = [
        threading.Thread(target=png, args=(draw_curves([], 1, unassigned),)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    added = [one for one in warnings.filters if one not in before]
    assert len(added) <= 1, "one rule, for this package's figures"
    assert [one for one in warnings.filters if one in before] == before
    other = Figure()
    other.text(0, 0, unassigned)
    with pytest.warns(UserWarning, match="Glyph .* missing"):
        png(other)


@pytest.mark.parametrize("name", ["$5-$10", "x$1_$", r"$\frac$", "$"])
def test_a_name_is_no_formula(name: str) -> None:
    figure = draw_curves([], 1, name)
    figure.savefig(io.BytesIO(), format="png")
    (title,) = (text for text in figure.findobj(Text) if text.get_text() == name)
    assert not title.get_parse_math()


def test_a_figure_survives_pickling() -> None:
    labels = np.array([0, 1])
    evaluation = score_predictions(
        labels, labels, ("cat", "dog"), loss=0.5, dataset="pets", split="test"
    )
    figure = draw_confusion(evaluation, "pets")
    again = pickle.loads(pickle.dumps(figure))
    assert isinstance(again, Figure)
    assert png(again) == png(figure)
    assert [text.get_text() for text in again.axes[0].get_yticklabels()] == ["cat", "dog"]


def test_a_notebook_shows_a_training_and_every_drawing(drawings: dict[str, Figure]) -> None:
    Path("drawings").write_bytes(pickle.dumps(drawings))
    begin = """
import pickle, sys
from IPython import get_ipython
from matplotlib.figure import Figure
forms = get_ipython().display_formatter.formatters.values()
assert not any(Figure in form for form in forms), "the training has told it how to show figures"
drawings = pickle.load(open("drawings", "rb"))
"""
    names = sorted(drawings)
    first, _, *shown = run_notebook(
        "import lenet\nlenet.train(dataset='digits', epochs=1)",
        begin,
        *(f"drawings[{name!r}]" for name in names),
        "assert 'matplotlib.pyplot' not in sys.modules",
        "%config InlineBackend.figure_formats = ['svg']\n%matplotlib inline",
        "drawings['draw_curves']",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    )
    assert [{"image/png"} & forms for forms in pictures(first)] == [{"image/png"}]
    for name, cell in zip(names, shown, strict=False):
        assert pictures(cell) == [{"image/png", "text/plain"}], name
    for cell in shown[-2:]:
        assert pictures(cell) == [{"image/svg+xml", "text/plain"}], "as the user has chosen"


@pytest.mark.parametrize("home", [os.devnull, "circle"])
def test_a_home_that_can_not_be_written_is_nothing_to_tell(home: str, tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    without = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    drawn = subprocess.run(
        [sys.executable, "-c", "from lenet.core import Drawing"],
        capture_output=True,
        text=True,
        env=without | {"HOME": str(tmp_path / home), "XDG_CONFIG_HOME": "", "XDG_CACHE_HOME": ""},
    )
    assert (drawn.returncode, drawn.stderr) == (0, "")
