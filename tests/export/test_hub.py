"""A folder for the hub: what the hub reads of it, what people read, and what lenet makes of it."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from random_network import random_network

import lenet
from lenet.datasets import Dataset
from lenet.errors import RunError
from lenet.export import TrainedNetwork, export_model

# The folder and its card, without the export's own checks before them.
from lenet.export._hub import write_hub
from lenet.export._hub_card import model_card_text
from lenet.models import SoftmaxConfig
from lenet.pictures import Preparation
from lenet.runs import Run, locate_model


@pytest.fixture(scope="module")
def hub(digits_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported run."""
    return export_model(digits_run, "hub", output=tmp_path_factory.mktemp("hub") / "mine").path


def front_matter(text: str) -> dict[str, object]:
    """The metadata at the top of a model card, as the hub finds it."""
    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    assert found
    values = yaml.safe_load(found[1])
    assert isinstance(values, dict)
    return values


def test_the_files(hub: Path, digits_run: Run) -> None:
    assert {file.name for file in hub.iterdir()} == {
        "README.md",
        "config.json",
        "model.onnx",
        "model.safetensors",
    }
    assert (hub / "model.safetensors").read_bytes() == digits_run.model_path.read_bytes()
    config = json.loads((hub / "config.json").read_text())
    assert config["library_name"] == "lenet"
    assert config["architectures"] == ["LeNet"]
    assert config["id2label"] == {str(digit): str(digit) for digit in range(10)}
    card = lenet.load(digits_run)[1]
    assert config["config"] == json.loads(json.dumps(card.config))
    assert config["calibration"]["temperature"] == card.calibration.temperature


def test_what_the_hub_reads(hub: Path, digits_run: Run) -> None:
    metadata = front_matter((hub / "README.md").read_text())
    assert metadata["library_name"] == "lenet"
    assert metadata["pipeline_tag"] == "image-classification"
    assert metadata["license"] == "unknown"
    (model,) = metadata["model-index"]  # type: ignore[misc]
    assert model["name"] == digits_run.name
    (result,) = model["results"]
    assert result["task"]["type"] == "image-classification"
    assert result["dataset"] == {"type": "digits", "name": "digits", "split": "test"}
    scores = {metric["type"]: metric["value"] for metric in result["metrics"]}
    scored = lenet.evaluate(digits_run)
    assert scores["accuracy"] == pytest.approx(scored.accuracy, abs=1e-6)
    f1 = np.mean([score.f1 for score in scored.classes])
    assert scores["f1"] == pytest.approx(f1, abs=1e-6)


def test_what_people_read(hub: Path, digits_run: Run) -> None:
    text = (hub / "README.md").read_text()
    assert digits_run.config.fingerprint in text
    assert "| learning rate | 0.1 |" in text
    assert "No licence is given yet" in text
    assert str(digits_run.folder.parent) not in text  # nobody's folders are published


def test_the_code_in_it_runs(hub: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (hub / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    place = tmp_path / "cloned"
    shutil.copytree(hub, place)
    monkeypatch.chdir(place)
    Image.new("L", (50, 50), 128).save("picture.png")
    for block in blocks:
        exec(block, {})


def test_lenet_reads_it(hub: Path, digits_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    card = lenet.load(digits_run)[1]
    assert lenet.load(hub)[1] == card
    assert lenet.open_model(hub).name == "mine"
    assert lenet.evaluate(hub).accuracy == lenet.evaluate(digits_run).accuracy
    monkeypatch.chdir(hub)
    assert lenet.open_model(".").name == "mine"
    made = export_model(".", "onnx", output="again.onnx")
    assert made.path.read_bytes() == (hub / "model.onnx").read_bytes()
    made.path.unlink()


def test_it_is_told_from_a_run(hub: Path, digits_run: Run, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(digits_run.folder, runs / "trained")
    shutil.copytree(hub, runs / "z-hub")
    assert [run.name for run in lenet.find_runs(runs)] == ["trained"]
    assert lenet.open_model("latest", runs_folder=runs).name == "trained"
    assert lenet.open_model("z-hub", runs_folder=runs).name == "z-hub"
    with pytest.raises(RunError, match="no run but a folder for a hub"):
        lenet.open_run(runs / "z-hub")
    (runs / "z-hub" / "config.json").unlink()
    assert lenet.open_model(runs / "z-hub").name == "z-hub"
    (runs / "trained" / "config.json").write_text("{")
    assert isinstance(locate_model(runs / "trained"), Run)


def test_it_is_replaced_by_the_next_and_nothing_else_is(
    hub: Path, model_file: Path, few_digits: Dataset, tmp_path: Path
) -> None:
    place = tmp_path / "mine"
    shutil.copytree(hub, place)
    export_model(model_file, "hub", output=place, data=few_digits)
    assert (place / "model.safetensors").read_bytes() == model_file.read_bytes()
    (place / "notes.txt").write_text("mine")
    with pytest.raises(lenet.errors.ExportError, match=r"it holds `notes\.txt`"):
        export_model(model_file, "hub", output=place, data=few_digits)
    assert (place / "notes.txt").read_text() == "mine"


def test_the_licence_that_was_put_in_stays(
    hub: Path, model_file: Path, few_digits: Dataset, tmp_path: Path
) -> None:
    place = tmp_path / "mine"
    shutil.copytree(hub, place)
    card = place / "README.md"
    lines = "license: other\nlicense_name: mine\nlicense_link: https://example.org\n"
    card.write_text(card.read_text().replace('license: "unknown"\n', lines))
    export_model(model_file, "hub", output=place, data=few_digits)
    text = card.read_text()
    assert text.startswith(f"---\n{lines}library_name:")
    assert "No licence is given yet" not in text
    assert front_matter(text)["license_name"] == "mine"
    card.write_text("---\ntitle: mine\n---\nlicense: mit\n")
    export_model(model_file, "hub", output=place, data=few_digits)
    assert front_matter(card.read_text())["license"] == "unknown"
    assert "No licence is given yet" in card.read_text()


HOSTILE = (
    "a|b",
    "<script>alert(1)</script>",
    "---\nlicense: mit",
    "`rm`",
    "[x](y)",
    "\ud800",
    "猫",
)


def test_a_model_file_that_a_training_replaces_meanwhile(
    trained_digits: TrainedNetwork, digits_run: Run, tmp_path: Path
) -> None:
    network, card = lenet.load(digits_run)
    with torch.no_grad():
        next(network.parameters()).add_(1)
    path = tmp_path / "later.safetensors"
    lenet.save_model(path, network, class_names=card.class_names)
    with pytest.raises(lenet.errors.ExportError, match="has changed while it was exported"):
        write_hub(replace(trained_digits, path=path), tmp_path)


def test_names_may_be_anything(tmp_path: Path) -> None:
    config = SoftmaxConfig(input_shape=(1, 4, 4), classes=len(HOSTILE))
    trained = random_network(config, tmp_path, HOSTILE)
    trained = replace(trained, name='"]\n---\n# x', dataset="no: |", split="test")
    text = model_card_text(trained)
    assert "<script>" not in text
    metadata = front_matter(text)
    (model,) = metadata["model-index"]  # type: ignore[misc]
    assert model["name"] == trained.name
    assert model["results"][0]["dataset"]["name"] == "no: |"
    (table,) = re.findall(r"(?:^\| .*\n)+", text.split("## Results")[1].split("What is")[0], re.M)
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
    assert cells == {6}
    text.encode()


def test_the_range_of_deep_pictures_is_told(tmp_path: Path) -> None:
    trained = random_network(SoftmaxConfig(), tmp_path)
    card = replace(trained.card, preparation=Preparation(pixel_range=(-10.5, 4095.0)))
    assert "values from -10.5 to 4095 become 0 to 255" in model_card_text(
        replace(trained, card=card, dataset="x", split="test")
    )
    assert "become 0 to 255" not in model_card_text(replace(trained, dataset="x", split="test"))


def test_a_network_without_mistakes_and_one_without_a_recipe(
    trained_digits: TrainedNetwork,
) -> None:
    right = np.eye(10)[trained_digits.labels]
    text = model_card_text(replace(trained_digits, probabilities=right))
    assert "makes no mistake" in text
    card = replace(trained_digits.card, recipe={})
    assert "does not say how it was trained" in model_card_text(replace(trained_digits, card=card))
