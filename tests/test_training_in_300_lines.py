"""The program of `docs/concepts/a-training-in-300-lines.md` is what the package does."""

import gzip
import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from lenet.datasets import Dataset, Split
from lenet.models import LeNetConfig, build_model, load_weights
from lenet.training import Recipe, Trainer

PROGRAM = Path(__file__).parents[1] / "docs/concepts/a_training_in_300_lines.py"


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("a_training_in_300_lines", PROGRAM)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def weights_of(layers: list) -> dict[str, np.ndarray]:
    return {
        f"{place}.{name}": weight
        for place, layer in enumerate(layers)
        for name, weight in layer.weights.items()
    }


def test_it_is_as_short_as_it_says_and_stands_on_its_page() -> None:
    assert len(PROGRAM.read_text().splitlines()) <= 300
    page = (PROGRAM.parent / "a-training-in-300-lines.md").read_text(encoding="utf-8")
    assert f'\n--8<-- "docs/concepts/{PROGRAM.name}"\n' in page


@pytest.mark.parametrize("seed", [0, 7, 2**40 + 1])
def test_its_random_numbers_are_pytorchs(program: ModuleType, seed: int) -> None:
    expected = build_model(LeNetConfig(), seed=seed).state_dict()
    found = weights_of(program.lenet(program.Random(seed)))
    assert list(found) == list(expected)
    for name, weight in expected.items():
        np.testing.assert_array_equal(found[name], weight.numpy())
    generator = torch.Generator().manual_seed(seed)
    expected_order = torch.randperm(1000, generator=generator).numpy()
    np.testing.assert_array_equal(program.Random(seed).permutation(1000), expected_order)


@pytest.mark.fashion_mnist
def test_its_steps_and_scores_are_the_trainers(
    program: ModuleType, fashion_mnist: Dataset, tmp_path: Path
) -> None:
    """The first fifty steps to 1e-4, at a batch of 32 for the time that it takes."""
    train = Split(fashion_mnist.train.images[:800], fashion_mnist.train.labels[:800])
    test = Split(fashion_mnist.test.images[:300], fashion_mnist.test.labels[:300])
    data = Dataset("few", fashion_mnist.class_names, train, test)
    network = build_model(LeNetConfig(), seed=3)
    trainer = Trainer(network, data, Recipe(batch_size=32, epochs=2), seed=3, engine="torch")
    layers = program.lenet(program.Random(3))
    for epoch in range(2):
        trainer.train_epoch()
        seed = program.seed_of_epoch(3, epoch)
        shown = program.batches(train.images, train.labels, seed, 32)
        losses = [program.step(layers, *batch, rate=0.9) for batch in shown]
        assert len(losses) == 25
        np.testing.assert_allclose(losses, trainer.losses.numpy(), rtol=0, atol=1e-4)
        trainer.finish_epoch()
    score = program.accuracy(layers, test.images, test.labels)
    assert score == trainer.history[-1].test_accuracy
    program.save(layers, tmp_path / "own.safetensors")
    again = load_weights(build_model(LeNetConfig()), tmp_path / "own.safetensors")
    for name, weight in again.state_dict().items():
        np.testing.assert_array_equal(weights_of(layers)[name], weight.numpy())


def test_it_runs_on_a_folder_of_files(
    program: ModuleType,
    small_fashion_mnist: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "data/fashion-mnist"
    for file in list(folder.iterdir()):
        (folder / f"{file.name.removesuffix('.gz')}.gz").write_bytes(
            gzip.compress(file.read_bytes())
        )
    program.main(folder, epochs=1)
    assert capsys.readouterr().out.startswith("epoch 1: loss 2.")
    load_weights(build_model(LeNetConfig()), "lenet.safetensors")
