"""What the documents tell a person to type works, on a Fashion-MNIST of a few images."""

import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
import typer
from nbclient import NotebookClient

import lenet
from lenet import d2l
from lenet.cli import app
from lenet.core import field_types
from lenet.errors import LenetError
from lenet.models import LeNetConfig, build_model
from lenet.training import Recipe, own

ROOT = Path(__file__).parent.parent
TRAIN = "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/lenet train"
TEST = "python3 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/python -m pytest"
C_COMPILER = next(filter(shutil.which, ("cc", "gcc", "clang")), None)
DOCUMENTS = (
    "README.md",
    "README.zh-CN.md",
    *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*/*.md")),
)


def blocks(document: str, language: str) -> list[str]:
    """The contents of a document's code blocks in a language."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(document: str) -> list[str]:
    """The `lenet` commands in a document's shell blocks."""
    lines = "\n".join(blocks(document, "sh")).splitlines()
    return [line for line in lines if line.startswith("lenet ")]


@pytest.mark.parametrize("document", ["README.md", "README.zh-CN.md"])
def test_the_readme_has_the_two_commands(document: str) -> None:
    lines = "\n".join(blocks(document, "sh")).splitlines()
    assert TRAIN in lines
    assert TEST in lines


def test_make_and_ci_run_the_same_two_commands() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert f"\t{TRAIN}\n" in makefile
    assert f"\t{TEST}\n" in makefile
    assert f"\n{TEST}\n" in (ROOT / ".ci/run").read_text()


def test_both_readmes_give_the_same_commands_and_figures() -> None:
    english, chinese = "README.md", "README.zh-CN.md"
    for language in ("sh", "python"):
        assert blocks(english, language), f"there are blocks of {language}"
        stripped = [
            [re.sub(r"\s*#.*", "", block) for block in blocks(document, language)]
            for document in (english, chinese)
        ]
        assert stripped[0] == stripped[1]
    figures = [
        re.findall(r"[\d.,]+ ± [\d.,]+", (ROOT / document).read_text(encoding="utf-8"))
        for document in (english, chinese)
    ]
    assert figures[0] == figures[1]
    assert len(figures[0]) == 5


def first_shown() -> dict[str, list[str]]:
    """The commands of each document that no document before it has."""
    lines = {line: document for document in reversed(DOCUMENTS) for line in commands(document)}
    return {
        document: [line for line in dict.fromkeys(commands(document)) if lines[line] == document]
        for document in dict.fromkeys(lines.values())
    }


@pytest.fixture(scope="module")
def a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `runs` with what `lenet train` leaves."""
    folder = tmp_path_factory.mktemp("trained") / "runs"
    options = f"--epochs 1 --batch-size 100 --runs-folder {folder}"
    app(shlex.split(f"train {options}"), standalone_mode=False)
    return folder


@pytest.mark.parametrize("document", first_shown())
@pytest.mark.usefixtures("small_fashion_mnist", "torchlib_once")
def test_every_command_in_the_documents_runs(
    document: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    shutil.copytree(request.getfixturevalue("a_run"), tmp_path / "runs")
    for network in (block for block in blocks(document, "toml") if "[[layers]]" in block):
        (tmp_path / "net.toml").write_text(network)
    for line in first_shown()[document]:
        if "--to c " in line and not C_COMPILER:
            continue
        arguments = [
            str(ROOT / argument) if argument.startswith("docs/") else argument
            for argument in shlex.split(line)[1:]
        ]
        if arguments[0] == "train" and "--resume" not in arguments:
            arguments += ["--runs-folder", "others"]
            if "--batch-size" not in arguments:
                arguments += ["--batch-size", "100"]
            if "--epochs" not in arguments:
                arguments += ["--epochs", "1"]
        if arguments[0] == "compare":
            arguments += ["--batch-size", "100", "--epochs", "1", "--seeds", "1"]
            arguments += ["--processes", "1"]  # each imports PyTorch
        if "--search" in arguments:
            arguments += ["--epochs", "2"]
        try:
            app(arguments, standalone_mode=False)
        except LenetError as error:
            pytest.fail(f"`{line}`: {error}")


def test_the_commands_of_all_documents_are_run() -> None:
    shown = {line for document in DOCUMENTS for line in commands(document)}
    run = [line for lines in first_shown().values() for line in lines]
    assert sorted(run) == sorted(shown)
    assert "lenet evaluate latest" in run


def test_every_command_that_is_shown_is_one_that_there_is() -> None:
    program = typer.main.get_command(app)
    shown = "\n".join(block for document in DOCUMENTS for block in blocks(document, "console"))
    lines = re.findall(r"^\$ (?:torchrun .* -m )?lenet (.*)$", shown, re.MULTILINE)
    assert len(lines) > 50
    for line in lines:
        if "[OPTIONS]" in line:
            continue
        name, *arguments = shlex.split(line)
        with program.make_context("lenet", [name, *arguments]) as context:
            _, command, rest = program.resolve_command(context, [name, *arguments])  # type: ignore[attr-defined]
            command.make_context(name, rest, parent=context).close()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_extras_are_installed_from_a_clone(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert not re.search(r"install.* 'lenet\[", text), "there is no `lenet` in an index"
    assert "huggingface-cli" not in text


def test_every_page_stands_once_in_the_sites_menu() -> None:
    _, _, menu = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")
    listed = re.findall(r"^ +- (?:.+: )?(\S+\.md)$", menu.partition("\n\n")[0], re.MULTILINE)
    docs = ROOT / "docs"
    pages = [page.relative_to(docs).as_posix() for page in docs.rglob("*.md")]
    assert sorted(listed) == sorted(pages)


def test_what_goes_round_in_a_step_is_as_large_as_the_network() -> None:
    weights = sum(parameter.numel() for parameter in build_model(LeNetConfig()).parameters())
    text = (ROOT / "docs/concepts/scaling.md").read_text(encoding="utf-8")
    numbers = weights + 3  # loss, right answers, and the wish to stop
    assert f"One tensor of {numbers:,} numbers, {4 * numbers / 1000:.0f} kB, goes round" in text
    assert f"with S = {4 * numbers / 1000:.0f} kB" in text
    decision = next(ROOT.glob("docs/decisions/0011-*.md")).read_text(encoding="utf-8")
    assert f"gradients of {4 * weights / 1000:.0f} kB" in decision


def test_type_checkers_see_the_readmes_python() -> None:
    checked = (ROOT / "tests/typed/readme.py").read_text(encoding="utf-8")
    assert checked == "\n".join(blocks("README.md", "python"))


@pytest.mark.usefixtures("small_fashion_mnist")
def test_the_readmes_python_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    real_train = lenet.train

    def quick_train(*arguments: object, **settings: object) -> lenet.Run:
        return real_train(*arguments, **{"epochs": 1, "batch_size": 100, **settings})  # type: ignore[arg-type]

    monkeypatch.setattr(lenet, "train", quick_train)
    names: dict[str, object] = {}
    for block in blocks("README.md", "python"):
        exec(block, names)
    assert "network" in names


def test_the_guide_to_own_pictures_prints_what_the_command_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    shown, *_ = blocks("docs/guides/own-pictures.md", "console")
    app(shlex.split("predict docs/images/photos"), standalone_mode=False)
    answers = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    # The last digit of a probability may differ between processors.
    assert [line.split("  ")[:2] for line in shown.splitlines()] == [line[:2] for line in answers]
    for block in blocks("docs/guides/own-pictures.md", "python"):
        exec(block, {})


@pytest.mark.usefixtures("small_fashion_mnist")
@pytest.mark.filterwarnings("ignore:Not learning")  # on 300 images, in few epochs
def test_the_python_of_the_scikit_learn_guide_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    # The fewest steps of a training; nobody looks at how well it learns.
    quick = own(300)
    quick = replace(quick, recipe=quick.recipe.replace(epochs=1))
    monkeypatch.setattr("lenet.training._presets.own", lambda *_: quick)
    names: dict[str, object] = {}
    for block in blocks("docs/guides/scikit-learn.md", "python"):
        exec(block.replace("n_jobs=2", "n_jobs=1"), names)  # other processes import PyTorch anew
    assert "card" in names


def test_the_python_of_the_guide_to_doubt_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawing = next(line for line in commands("docs/guides/doubt.md") if " data draw " in line)
    app(shlex.split(drawing)[1:], standalone_mode=False)
    for block in blocks("docs/guides/doubt.md", "python"):
        exec(block, {})
    assert "own pictures 60 " in capsys.readouterr().out


@pytest.mark.usefixtures("torchlib_once")
def test_the_python_of_the_export_guide_runs(tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    names: dict[str, object] = {}
    for block in blocks("docs/guides/export.md", "python"):
        exec(block, names)
    assert np.shape(names["probabilities"]) == (2, 10)
    assert np.shape(names["decision"]) == (1,)


@pytest.mark.usefixtures("small_fashion_mnist")
def test_the_notebook_runs() -> None:
    notebook = nbformat.read(ROOT / "docs/guides/tutorial.ipynb", as_version=4)
    line = "lr, num_epochs = 0.9, 10"
    assert sum(line in cell.source for cell in notebook.cells) == 1
    for cell in notebook.cells:
        cell.source = cell.source.replace(line, "lr, num_epochs = 0.9, 1")
        cell.source = cell.source.replace("batch_size = 256", "batch_size = 50")
        cell.source = cell.source.replace("epochs=num_epochs", "epochs=num_epochs, batch_size=50")
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()


def test_the_notebook_keeps_the_outputs_of_a_whole_run() -> None:
    notebook = nbformat.read(ROOT / "docs/guides/tutorial.ipynb", as_version=4)
    text = "".join(
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream"
    )
    assert re.search(r"loss 0\.4\d\d, train acc 0\.8\d\d, test acc 0\.[78]\d\d", text)


def test_the_reference_names_every_option() -> None:
    text = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    for name in [*field_types(Recipe), *field_types(LeNetConfig)]:
        if name not in ("input_shape", "classes"):
            assert f"--{name.replace('_', '-')}" in text


def test_the_reference_names_all_that_a_reader_of_the_book_can_use() -> None:
    text = (ROOT / "docs/reference/python.md").read_text(encoding="utf-8")
    named = re.findall(r"^::: lenet\.d2l\.(\w+)$", text, re.MULTILINE)
    assert sorted([*named, "plt"]) == sorted(d2l.__all__)
    for readme in ("README.md", "README.zh-CN.md"):
        shown = (ROOT / readme).read_text(encoding="utf-8").split("from lenet import d2l")[1]
        (names,) = (line for line in shown.split("\n\n") if line.startswith("`d2l`"))
        assert set(re.findall(r"`(\w+)`", names)) <= {"d2l", *d2l.__all__}
