"""JAX: a jitted step on arrays in memory, channels last, as its own examples write it."""

import time
from typing import Any

import numpy as np

from lenet.datasets import Dataset
from lenet.doctor.speed._task import BATCH_SIZE, Predict, Task
from lenet.doctor.speed._turns import Contestant, Outcome


def train_with_jax(name: str, task: Task, dataset: Dataset) -> Contestant:
    """Epochs of the tutorial's recipe by JAX."""
    import jax
    import jax.numpy as jnp

    start = _parameters(task)
    images, labels = _arrays(dataset.train.images), jnp.asarray(dataset.train.labels)
    test = dataset.require_test()
    test_images, test_labels = _arrays(test.images), jnp.asarray(test.labels)
    rate, batch_size, count = task.recipe.learning_rate, task.recipe.batch_size, len(labels)

    def numbers(pixels: Any) -> Any:
        return pixels.astype(jnp.float32) / 255

    def mean_loss(parameters: Any, chosen: Any) -> Any:
        scores = jax.nn.log_softmax(_forward(parameters, numbers(images[chosen])))
        return -jnp.take_along_axis(scores, labels[chosen][:, None], 1).mean()

    @jax.jit
    def step(parameters: Any, chosen: Any) -> Any:
        loss, gradients = jax.value_and_grad(mean_loss)(parameters, chosen)
        return jax.tree.map(lambda p, g: p - rate * g, parameters, gradients), loss

    @jax.jit
    def count_correct(parameters: Any, pixels: Any, truth: Any) -> Any:
        return (_forward(parameters, numbers(pixels)).argmax(1) == truth).sum()

    def play() -> Outcome:
        parameters = [jnp.array(value) for value in start]
        losses, hits = [], []
        started = time.perf_counter()
        order = np.random.default_rng(0).permutation(count)
        for first in range(0, count, batch_size):
            chosen = jnp.asarray(order[first : first + batch_size])
            parameters, loss = step(parameters, chosen)
            losses.append(loss * len(chosen))
        for first in range(0, len(test_labels), BATCH_SIZE):
            batch = slice(first, first + BATCH_SIZE)
            hits.append(count_correct(parameters, test_images[batch], test_labels[batch]))
        mean = float(sum(map(float, losses))) / count
        jax.block_until_ready(hits)
        return Outcome(count / (time.perf_counter() - started), mean)

    return Contestant(name, play)


def predict_with_jax(task: Task) -> Predict:
    """The network as JAX compiles it."""
    import jax

    parameters, run = _parameters(task), jax.jit(_forward)
    return lambda images: np.asarray(run(parameters, images.transpose(0, 2, 3, 1)))


def _parameters(task: Task) -> list[Any]:
    """The task's weights and biases, filters as (rows, columns, in, out)."""
    import jax.numpy as jnp

    found = [value.detach().numpy() for value in task.network().parameters()]
    return [jnp.array(v.transpose(2, 3, 1, 0) if v.ndim == 4 else v) for v in found]


def _forward(parameters: Any, pixels: Any) -> Any:
    """Scores for images (N, H, W, 1) from 0 to 1 by the tutorial's network."""
    import jax

    values = pixels
    for block, padding in enumerate(("SAME", "VALID")):
        weight, bias = parameters[2 * block : 2 * block + 2]
        values = jax.lax.conv_general_dilated(
            values, weight, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        values = jax.nn.sigmoid(values + bias)
        values = jax.lax.reduce_window(
            values, 0.0, jax.lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"
        )
        values = values / 4
    values = values.transpose(0, 3, 1, 2).reshape(len(values), -1)
    for layer in range(4, len(parameters), 2):
        weight, bias = parameters[layer : layer + 2]
        values = values @ weight.T + bias
        values = jax.nn.sigmoid(values) if layer + 2 < len(parameters) else values
    return values


def _arrays(images: Any) -> Any:
    """Images (N, 1, H, W) as JAX's arrays with channels last."""
    import jax.numpy as jnp

    return jnp.asarray(images.transpose(0, 2, 3, 1))
