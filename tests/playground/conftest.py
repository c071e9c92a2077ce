from pathlib import Path

import pytest

from lenet.models import BUNDLED
from lenet.playground import PlaygroundModel, build_playground, bundled_examples


@pytest.fixture(scope="session")
def digits_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with one model and its examples."""
    return write_page(tmp_path_factory.mktemp("page") / "digits.html", ["digits"])


@pytest.fixture(scope="session")
def two_models_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with both models that come with the package."""
    return write_page(tmp_path_factory.mktemp("page") / "both.html", ["digits", "fashion"])


def write_page(file: Path, names: list[str]) -> Path:
    models = [PlaygroundModel(name, BUNDLED[name].read_bytes()) for name in names]
    examples = {name: bundled_examples(name) for name in names}
    file.write_text(build_playground(models, examples=examples), encoding="utf-8")
    return file
