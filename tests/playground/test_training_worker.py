"""The lab's worker trains as `lenet train` does, and tells of layers what they are."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from training_worker import SETTINGS, in_worker

from lenet.datasets import ArrayBatches, Augmentation, Dataset, Split
from lenet.errors import NonFiniteLossError
from lenet.kernels import use_engine
from lenet.models import ArrayNetwork, ModelConfig, model_config
from lenet.models.layers import layer_values
from lenet.training import Diagnosis, Listener, Recipe, Trainer, build_optimiser

_OF_RECIPE = (
    *("epochs", "batch_size", "optimiser", "learning_rate", "momentum", "weight_decay"),
    *("label_smoothing", "shift", "flip"),
)
_MODERN: dict[str, Any] = {
    "channels": [4, 6],
    "dense_widths": [30],
    "activation": "relu",
    "batch_norm": True,
    "initialisation": "kaiming",
    "learning_rate": 0.05,
}
NETWORKS: dict[str, dict[str, Any]] = {
    "the tutorial's": {},
    "with batch norm": _MODERN | {"momentum": 0.9, "weight_decay": 1e-3, "shift": 2, "flip": True},
    "mlp": {
        "model": "mlp",
        "dense_widths": [30, 20],
        "activation": "tanh",
        "initialisation": "xavier",
        "optimiser": "adamw",
        "learning_rate": 0.005,
        "weight_decay": 0.1,
        "label_smoothing": 0.1,
        "seed": 3,
    },
}


def config_of(settings: dict[str, Any]) -> ModelConfig:
    names = {
        "lenet": [*SETTINGS][1:9],
        "mlp": ["dense_widths", "activation", "initialisation"],
        "softmax": ["initialisation"],
    }[settings["model"]]
    return model_config(settings["model"], {name: settings[name] for name in names})


def recipe_of(settings: dict[str, Any]) -> Recipe:
    return Recipe(**{name: settings[name] for name in _OF_RECIPE})


@pytest.fixture(scope="module")
def part(digits: Dataset) -> Dataset:
    """Seven batches of the bundled digits, the last of which is short."""
    train, test = digits.train, digits.test
    assert test is not None
    return replace(
        digits,
        train=Split(train.images[:680], train.labels[:680]),
        test=Split(test.images[:300], test.labels[:300]),
    )


@pytest.fixture(scope="module")
def found(part: Dataset) -> dict[str, Any]:
    """What the worker says of each network: of two steps not made yet, and of two epochs."""
    body = """
    const weightsNow = async () => (await ask({ kind: "weights" }, kindIs("weights"))).weights;
    const found = {};
    for (const [name, settings] of Object.entries(readJson("networks"))) {
      const begun = await begin({ settings, set: readJson("set") });
      const perEpoch = begun.stepsAnEpoch;
      const walks = [];
      for (const step of [0, 1]) {
        const before = await weightsNow();
        const walked = await ask({ kind: "walk" }, kindIs("walked"));
        const isUnchanged = areSame(before, await weightsNow());
        const { layers } = await ask({ kind: "step" }, isAt(step + 1));
        const after = await weightsNow();
        const isAsSaid = walked.parameters.every(({ name, weights, change }) =>
          weights.every((weight, i) => Math.abs(weight + change[i] - after.get(name)[i]) < 1e-7),
        );
        for (const parameter of walked.parameters) delete parameter.weights; // to be quick
        walks.push({ walked, isUnchanged, isAsSaid, layers });
      }
      await ask({ kind: "epoch" }, isAt(perEpoch));
      const end = await ask({ kind: "play" }, isAt(2 * perEpoch));
      const measured = await next();
      const weights = await weightsNow();
      const restarted = await ask({ kind: "restart" }, isAt(0));
      const again = await ask({ kind: "play" }, isAt(2 * perEpoch));
      await next();
      const isSame = areSame(weights, await weightsNow());
      found[name] = asLists({ begun, walks, end, measured, restarted, again, isSame });
      found[name].weights = listsOf(weights);
    }
    return found;
    """
    networks = {name: settings_of(name) for name in NETWORKS}
    answers: dict[str, Any] = in_worker(body, part, {"networks": networks})
    return answers


def settings_of(name: str) -> dict[str, Any]:
    return SETTINGS | {"epochs": 2, "batch_size": 100} | NETWORKS[name]


def batches_of(settings: dict[str, Any], split: Split) -> ArrayBatches:
    augmentation = Augmentation(flip=settings["flip"], shift=settings["shift"])
    more: dict[str, Any] = {"seed": settings["seed"], "augmentation": augmentation}
    return ArrayBatches(split, settings["batch_size"], shuffle=True, **more)


def loss_of(
    module: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, recipe: Recipe
) -> torch.Tensor:
    with use_engine("torch"):
        logits = module(images)
    smoothing = recipe.label_smoothing
    return torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)


@pytest.mark.parametrize("name", NETWORKS)
def test_two_steps_are_pytorch_s(found: dict[str, Any], part: Dataset, name: str) -> None:
    settings = settings_of(name)
    recipe = recipe_of(settings)
    module = ArrayNetwork.build(config_of(settings), settings["seed"]).module()
    optimiser = build_optimiser(recipe, module.parameters())
    batches = batches_of(settings, part.train)
    for one, selection in zip(found[name]["walks"], batches.selections(0), strict=False):
        walked, told = one["walked"], {each["name"]: each for each in one["walked"]["parameters"]}
        images, labels = map(torch.from_numpy, batches.take(selection))
        assert walked["images"] == (images * 255).round().int().flatten().tolist()
        assert walked["labels"] == labels.tolist()
        before = {key: values.detach().clone() for key, values in module.named_parameters()}
        optimiser.zero_grad()
        loss = loss_of(module, images, labels, recipe)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses = [loss.item(), loss_of(module, images, labels, recipe).item()]
        assert [walked["lossBefore"], walked["lossAfter"]] == pytest.approx(losses, abs=1e-4)
        assert told.keys() == before.keys()
        sizes = []
        for key, parameter in module.named_parameters():
            gradient = parameter.grad
            assert gradient is not None
            if parameter.ndim > 1:
                sizes.append(float(gradient.square().mean().sqrt()))
            change = parameter.detach() - before[key]
            for what, values in (("gradients", gradient), ("change", change)):
                given = np.reshape(told[key][what], values.shape)
                np.testing.assert_allclose(given, values, atol=1e-5, err_msg=f"{key}, {what}")
        given = [layer["gradient"] for layer in one["layers"]]
        np.testing.assert_allclose(given, sizes, rtol=1e-3)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_does_what_it_was_said_to_do(found: dict[str, Any], name: str) -> None:
    """To look at a step changes nothing, and the first one's gradients are known at the start."""
    first, second = found[name]["walks"]
    for one in (first, second):
        assert one["isUnchanged"]
        assert one["isAsSaid"]
    begun, stepped = found[name]["begun"]["layers"], first["layers"]
    for layer, later in zip(begun, stepped, strict=True):
        assert layer["gradient"] == layer["gradientAtStart"] == later["gradient"]


class _Heard(Listener):
    diagnosis: Diagnosis | None = None

    def on_diagnosis(self, trainer: Trainer, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis


def train_in_python(settings: dict[str, Any], dataset: Dataset) -> tuple[Trainer, Diagnosis | None]:
    network = ArrayNetwork.build(config_of(settings), settings["seed"])
    heard = _Heard()
    trainer = Trainer(
        network, dataset, recipe_of(settings), seed=settings["seed"], listeners=[heard]
    )
    with trainer.running():
        while not trainer.is_over:
            trainer.train_epoch()
            trainer.finish_epoch()
    return trainer, heard.diagnosis


@pytest.mark.parametrize("name", NETWORKS)
def test_the_curve_is_the_terminal_s(found: dict[str, Any], part: Dataset, name: str) -> None:
    trainer, _ = train_in_python(settings_of(name), part)
    curve = found[name]["end"]["curve"]
    assert len(curve) == len(trainer.history)
    names = ("epoch", "train_loss", "train_accuracy", "test_accuracy")
    for told, point in zip(curve, trainer.history, strict=True):
        wanted = [getattr(point, one) for one in names]
        assert list(told.values()) == pytest.approx(wanted, abs=1e-5), told


@pytest.mark.parametrize("name", NETWORKS)
def test_a_restart_leads_to_the_same_bits(found: dict[str, Any], name: str) -> None:
    one = found[name]
    assert one["isSame"]
    told = ("curve", "layers", "kernels", "probabilities", "trainLoss")
    for first, second in (("begun", "restarted"), ("end", "again")):
        for what in told:
            if (first, what) != ("end", "layers"):  # the spreads there are those of other times
                assert one[first][what] == one[second][what], what


@pytest.mark.parametrize("name", NETWORKS)
def test_spreads_are_those_of_what_enters_the_activations(
    found: dict[str, Any], part: Dataset, name: str
) -> None:
    config = config_of(settings_of(name))
    network = ArrayNetwork.build(config, settings_of(name)["seed"])
    assert part.test is not None
    images = part.test.images[:200].astype(np.float32) / 255
    for told in ("spreadAtStart", "spread"):
        if told == "spread":
            for key, array in network.arrays.items():
                if not key.endswith("num_batches_tracked"):
                    array[...] = np.reshape(found[name]["weights"][key], array.shape)
        made = [
            (one.layer.kind, values)
            for one, values in layer_values(network.placed, images, network.arrays)
        ]
        enters = [
            values.std()
            for (_, values), (kind, _) in zip(made, [*made[1:], ("activation", None)], strict=True)
            if kind == "activation"
        ]
        given = [layer[told] for layer in found[name]["measured"]["layers"]]
        np.testing.assert_allclose(given, enters, rtol=1e-3)


def test_kernels_are_kept_at_seven_times(few_digits: Dataset) -> None:
    """Of the first layer; of a dense one as pictures."""
    body = """
    const found = [];
    for (const settings of readJson("settings")) {
      await begin({ settings, set: readJson("set") });
      const end = await ask({ kind: "play" }, isAt(2 * settings.epochs));
      const { shape, moments } = end.kernels;
      const { weights } = await ask({ kind: "weights" }, kindIs("weights"));
      const [first] = weights.values();
      const now = moments.at(-1).weights;
      const isNow = now.every((weight, index) => weight === first[index]);
      found.push({ shape, isNow, count: now.length, moments: moments.map(({ step }) => step) });
    }
    return found;
    """
    small = SETTINGS | {"model": "mlp", "dense_widths": [20], "batch_size": 64, "epochs": 4}
    settings = [small, small | {"model": "softmax", "epochs": 21}, small | {"epochs": 60}]
    few, classes, many = in_worker(body, few_digits, {"settings": settings})
    assert few == {
        "shape": [16, 1, 28, 28],
        "isNow": True,
        "count": 16 * 784,
        "moments": [0, 2, 4, 6, 8],
    }
    assert classes["shape"] == [10, 1, 28, 28]
    assert classes["moments"] == [0, 4, 6, 10, 20, 40, 42]
    assert many["moments"] == [0, 10, 20, 40, 50, 100, 120]


STUCK: dict[str, dict[str, Any]] = {
    "small weights": {"initialisation": "pytorch", "batch_size": 340},
    "dead": {"model": "mlp", "dense_widths": [20], "activation": "relu", "learning_rate": 5},
    "saturated": {"model": "mlp", "dense_widths": [20], "activation": "tanh", "learning_rate": 30},
}
BROKEN = SETTINGS | {"activation": "relu", "learning_rate": 1e30}


@pytest.fixture(scope="module")
def diagnoses(part: Dataset) -> Any:
    body = """
    const found = { refused: [] };
    for (const [name, settings] of Object.entries(readJson("stuck"))) {
      await begin({ settings, set: readJson("set") });
      found[name] = await ask({ kind: "play" }, ({ state }) => state === "finished");
      await next();
    }
    await begin({ settings: readJson("broken"), set: readJson("set") });
    for (const _ of [1, 2]) found.refused.push((await ask({ kind: "play" }, () => false)).message);
    return found;
    """
    stuck = {name: stuck_settings(name) for name in STUCK}
    return in_worker(body, part, {"stuck": stuck, "broken": BROKEN})


def stuck_settings(name: str) -> dict[str, Any]:
    return SETTINGS | {"epochs": 2, "batch_size": 100} | STUCK[name]


@pytest.mark.parametrize("name", STUCK)
def test_what_does_not_learn_is_diagnosed_as_by_python(
    diagnoses: Any, part: Dataset, name: str
) -> None:
    _, diagnosis = train_in_python(stuck_settings(name), part)
    assert diagnosis is not None
    told = diagnoses[name]["diagnosis"]
    assert told["loss"] == pytest.approx(diagnosis.loss, rel=1e-3)
    assert told["chance"] == pytest.approx(diagnosis.chance_loss)
    assert told["chance"] == diagnoses[name]["chance"]
    sick = [layer for layer in diagnosis.layers if max(layer.saturated, layer.dead) >= 0.9]
    assert [(one["name"], one["title"], one["how"]) for one in told["sick"]] == [
        (layer.position, layer.name, "dead" if layer.dead else "saturated") for layer in sick
    ]
    shares = [max(layer.saturated, layer.dead) for layer in sick]
    assert [one["share"] for one in told["sick"]] == pytest.approx(shares, abs=0.01)
    begins = {
        "largerInitialWeights": "PyTorch's own initial weights are too small",
        "smallerSteps": "Smaller steps may do it",
        "moreSteps": "14 steps are few:",
        "moreStepsForSigmoids": "4 steps are few for sigmoids",
        "relu": "ReLU begins sooner",
    }
    words = [remedy["word"] for remedy in told["remedies"]]
    assert len(words) == len(diagnosis.remedies)
    for word, sentence in zip(words, diagnosis.remedies, strict=True):
        assert sentence.startswith(begins[word])


def test_a_loss_that_is_no_number_ends_it_as_in_python(diagnoses: Any, part: Dataset) -> None:
    with pytest.raises(NonFiniteLossError) as raised:
        train_in_python(BROKEN, part)
    assert diagnoses["refused"] == [str(raised.value)] * 2


def test_it_hears_at_once_what_it_is_told(few_digits: Dataset) -> None:
    """Whatever it does, an order is answered, and it goes on from where it paused."""
    body = """
    const settings = readJson("settings");
    const set = readJson("set");
    const early = await ask({ kind: "play" });
    const wrong = await begin({ settings: { ...settings, epochs: 0 }, set });
    const begun = await begin({ settings, set });
    await ask({ kind: "play" }, ({ state, step }) => state === "training" && step > 100);
    const paused = await ask({ kind: "pause" }, ({ state }) => state === "paused");
    const settled = await next();
    const small = await ask({ kind: "look", example: new Uint8Array(3) });
    const looked = await ask({ kind: "look", example: inputs["train images"].slice(0, 784) });
    await ask({ kind: "play" }, ({ state, step }) => state === "training" && step > paused.step);
    const walked = await ask({ kind: "walk" }, kindIs("walked"));
    const other = await begin({ settings: { ...settings, model: "softmax" }, set });
    return asLists({ early, wrong, begun, paused, settled, small, looked, walked, other });
    """
    settings = SETTINGS | {"batch_size": 16, "epochs": 1_000_000}
    found = in_worker(body, few_digits, {"settings": settings})
    assert found["early"]["message"] == "Nothing was begun."
    assert found["wrong"]["message"] == "`epochs` must be at least 1, not 0."
    assert found["begun"]["state"] == "paused"
    assert found["begun"]["trainLoss"] is None
    assert found["paused"]["step"] == found["settled"]["step"] == found["looked"]["step"] > 100
    assert found["paused"]["examplesPerSecond"] > 0
    assert found["small"]["message"] == "The network takes 784 pixels each, not 3 in all."
    assert sum(found["looked"]["probabilities"]) == pytest.approx(1)
    assert found["looked"]["probabilities"] != found["settled"]["probabilities"]
    assert len(found["walked"]["labels"]) == 16
    assert found["other"]["step"] == 0
    assert [layer["title"] for layer in found["other"]["layers"]] == ["Linear"]
