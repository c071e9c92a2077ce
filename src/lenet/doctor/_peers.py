"""How PyTorch, and onnxruntime by its export, do a task as a careful user would write it."""

import logging
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lenet.datasets import Dataset, Split
from lenet.doctor._tasks import BATCH_SIZE, Predict, Task
from lenet.doctor._turns import Contestant, Outcome
from lenet.models import build_model


def plain_network(task: Task, *, channels_last: bool = False) -> nn.Sequential:
    """The task's layers with nothing of lenet's around them."""
    network = nn.Sequential(*build_model(task.config, seed=0).children())
    if channels_last:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def train_with_torch(
    name: str, task: Task, dataset: Dataset, *, channels_last: bool = False, compiled: bool = False
) -> Contestant:
    """Epochs by PyTorch: tensors in memory, no loader, no Python work per image."""
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    train, test = _tensors(dataset.train), _tensors(dataset.require_test())
    batch_size, count = task.recipe.batch_size, len(dataset.train)
    if compiled:
        torch.compiler.reset()
    start = {key: value.clone() for key, value in plain_network(task).state_dict().items()}
    network = plain_network(task, channels_last=channels_last)
    run: Any = torch.compile(network, dynamic=False) if compiled else network
    loss_of = nn.CrossEntropyLoss()

    def images_of(pixels: Tensor) -> Tensor:
        return pixels.to(torch.float32, memory_format=memory_format).div_(255)

    def play() -> Outcome:
        network.load_state_dict(start)
        network.train()
        optimiser = _optimiser(task, network)
        total = torch.zeros(())
        started = time.perf_counter()
        order = torch.randperm(count)
        for first in range(0, count, batch_size):
            chosen = order[first : first + batch_size]
            loss = loss_of(run(images_of(train[0][chosen])), train[1][chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.detach() * len(chosen)
        network.eval()
        correct = torch.zeros((), dtype=torch.int64)
        with torch.no_grad():
            for first in range(0, len(test[0]), BATCH_SIZE):
                batch = slice(first, first + BATCH_SIZE)
                correct += (run(images_of(test[0][batch])).argmax(1) == test[1][batch]).sum()
        seconds = time.perf_counter() - started
        return Outcome(count / seconds, float(total) / count)

    return Contestant(name, play)


def predict_with_torch(
    task: Task, *, channels_last: bool = False, compiled: bool = False
) -> Predict:
    """The network as PyTorch runs it."""
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    network = plain_network(task, channels_last=channels_last).eval()
    run: Any = torch.compile(network, dynamic=False) if compiled else network

    def predict(images: Any) -> Any:
        with torch.inference_mode():
            return run(torch.from_numpy(images).to(memory_format=memory_format)).numpy()

    return predict


def _optimiser(task: Task, network: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimiser, in PyTorch's fastest form for a CPU."""
    rate = task.recipe.learning_rate
    if task.recipe.optimiser == "adamw":
        return torch.optim.AdamW(
            network.parameters(), rate, weight_decay=task.recipe.weight_decay, fused=True
        )
    return torch.optim.SGD(
        network.parameters(),
        rate,
        momentum=task.recipe.momentum,
        nesterov=task.recipe.nesterov,
        fused=True,
    )


def _tensors(split: Split) -> tuple[Tensor, Tensor]:
    return torch.tensor(split.images), torch.tensor(split.labels)


def predict_with_onnxruntime(task: Task, threads: int) -> Predict:
    import onnxruntime
    import onnxscript  # noqa: F401  (the export needs it; here its absence is told)

    # The export tells of packages that it can do without.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder, "lenet.onnx")
        torch.onnx.export(
            plain_network(task).eval(),
            (torch.zeros(2, *task.config.input_shape),),
            str(path),
            dynamo=True,
            external_data=False,
            verbose=False,
            input_names=["images"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
        providers = ["CPUExecutionProvider"]
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=providers)
    return lambda images: session.run(None, {"images": images})
