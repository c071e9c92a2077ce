"""The page that is written answers as PyTorch does, or nothing is written."""

from dataclasses import replace
from pathlib import Path

import pytest

from lenet.datasets import Dataset
from lenet.errors import ExportError
from lenet.export import _html as html_format  # the check of a page by itself
from lenet.export import export_model
from lenet.models import BUNDLED, load_model, save_model
from lenet.playground import PlaygroundModel, build_playground, find_javascript_engine


@pytest.fixture(autouse=True)
def _engine() -> None:
    """An export has to be run."""
    try:
        find_javascript_engine()
    except ExportError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", BUNDLED)
def test_a_page_answers_as_pytorch_and_is_small(
    name: str, few_digits: Dataset, tmp_path: Path
) -> None:
    data = replace(few_digits, class_names=load_model(BUNDLED[name])[1].class_names)
    made = export_model(name, "html", data=data)
    assert made.path.name == f"{name}.html"
    (comparison,) = made.comparisons
    assert comparison.images == 64
    assert comparison.difference < 1e-5
    page = made.path.read_bytes()
    assert len(page) <= 520_000
    assert dict(made.facts)["size"] == f"{len(page) / 1000:.1f} kB"
    assert [path.name for path in Path().glob("*.html")] == [f"{name}.html"]


def test_a_browser_runs_the_page_where_node_is_missing(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        browser = find_javascript_engine(browser=True)
    except ExportError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(html_format, "find_javascript_engine", lambda: browser)
    made = export_model("digits", "html", data=few_digits)
    assert made.comparisons[0].difference < 1e-5
    assert dict(made.facts)["run by"].startswith(browser.name)


def test_a_page_that_answers_otherwise_is_not_written(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    network, card = load_model(BUNDLED["digits"])
    warmer = replace(card.calibration, temperature=card.calibration.temperature + 1e-3)
    other = tmp_path / "other.safetensors"
    save_model(
        other,
        network,
        class_names=card.class_names,
        normalisation=card.normalisation,
        calibration=warmer,
    )

    def build_another(models: list[PlaygroundModel], **settings: object) -> str:
        return build_playground([replace(models[0], content=other.read_bytes())])

    monkeypatch.setattr(html_format, "build_playground", build_another)
    with pytest.raises(ExportError, match=r"differ from PyTorch's .* nothing is written"):
        export_model("digits", "html", data=few_digits)
    assert not list(Path().glob("*.html"))


def test_a_page_whose_script_fails_is_not_written(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build_broken(models: list[PlaygroundModel], **settings: object) -> str:
        page = build_playground(models)
        return page.replace("class Network ", "class Nothing ")

    monkeypatch.setattr(html_format, "build_playground", build_broken)
    with pytest.raises(ExportError, match="Network is not defined"):
        export_model("digits", "html", data=few_digits)
    assert not list(Path().glob("*.html"))


def test_a_file_that_is_no_page_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<!doctype html><p>Good morning</p>")
    with pytest.raises(ExportError, match="not a page with a model in it"):
        html_format.run_html(file)
