"""LeNet on Fashion-MNIST, from the bytes of the pictures to the file of the weights, in NumPy.

    python a_training_in_300_lines.py FOLDER [EPOCHS]

FOLDER holds the four files of Fashion-MNIST, `train-images-idx3-ubyte.gz` and so on. Read it from
the end: `main` is the whole training, and everything above it is a part that `main` uses.
"""

import gzip
import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

# --- Random numbers -----------------------------------------------------------------------------
# PyTorch draws from the Mersenne twister MT19937 (Matsumoto and Nishimura 1998), which NumPy has,
# too. Drawn in the same way, first weights and order are those of PyTorch, bit by bit.


class Random:
    """The numbers that PyTorch would draw on a CPU."""

    def __init__(self, seed: int):
        self.twister = np.random.RandomState(seed & 0xFFFFFFFF)

    def words(self, count: int) -> np.ndarray:
        """Whole numbers of 32 bits."""
        return self.twister.randint(0, 2**32, count, dtype=np.uint32)

    def uniform(self, bound: float, shape: tuple[int, ...]) -> np.ndarray:
        """Numbers from -bound to bound, as `torch.Tensor.uniform_`: 24 bits of a word each."""
        low, high = np.float32(-bound), np.float32(bound)
        share = (self.words(math.prod(shape)) & 0xFFFFFF) * 2.0**-24
        return (share * np.float64(high - low) + low).astype(np.float32).reshape(shape)

    def permutation(self, count: int) -> np.ndarray:
        """The numbers below `count` in a random order, as `torch.randperm`."""
        order = list(range(count))
        for place, word in enumerate(self.words(count - 1).tolist()):
            other = place + word % (count - place)
            order[place], order[other] = order[other], order[place]
        return np.array(order)


def seed_of_epoch(seed: int, epoch: int) -> int:
    """A seed for the order of each epoch, so that a training can be resumed at any of them."""
    path = np.random.SeedSequence(seed, spawn_key=(0, epoch))
    return int(path.generate_state(1, np.uint64)[0]) >> 1


# --- Pictures -----------------------------------------------------------------------------------
# A file in the IDX format: four bytes, of which the last is the number of dimensions, then their
# sizes in four bytes each, then the numbers, a byte each (yann.lecun.com/exdb/mnist).


def read_idx(path: Path) -> np.ndarray:
    """The array in a gzipped IDX file of bytes."""
    content = gzip.decompress(path.read_bytes())
    dimensions = content[3]
    sizes = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(sizes)


def read_split(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 1, 28, 28), a byte a pixel, and labels (N,) of `train` or `t10k`."""
    images = read_idx(folder / f"{name}-images-idx3-ubyte.gz")
    labels = read_idx(folder / f"{name}-labels-idx1-ubyte.gz")
    return images[:, None], labels.astype(np.int64)


def to_numbers(pixels: np.ndarray) -> np.ndarray:
    """Bytes as numbers from 0 to 1."""
    return pixels.astype(np.float32) * np.float32(1 / 255)


# --- Layers -------------------------------------------------------------------------------------
# A layer has `forward`, from a batch of inputs to outputs, and `back`, from the loss's slope by
# each output to its slope by each input: the chain rule. `slopes` holds those by its own weights.


class Layer:
    """A layer; one that learns has weights, and slopes of the same names."""

    def __init__(self) -> None:
        self.weights: dict[str, np.ndarray] = {}


class Convolution(Layer):
    """Each filter's weighted sum at every place of the maps."""

    def __init__(self, maps: int, filters: int, size: int, padding: int, random: Random):
        self.size, self.padding = size, padding
        self.weights = draw_weights((filters, maps, size, size), random)

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        around = (self.padding, self.padding)
        framed = np.pad(inputs, ((0, 0), (0, 0), around, around))
        windows = np.lib.stride_tricks.sliding_window_view(framed, (self.size, self.size), (2, 3))
        batch, maps, height, width = windows.shape[:4]
        # One row for each place of a window, with all that it sees there.
        self.rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(batch * height * width, -1)
        self.frame = framed.shape
        filters = self.weights["weight"].reshape(-1, maps * self.size**2)
        sums = self.rows @ filters.T + self.weights["bias"]
        return sums.reshape(batch, height, width, -1).transpose(0, 3, 1, 2)

    def back(self, slopes: np.ndarray) -> np.ndarray:
        batch, filters, height, width = slopes.shape
        flat = slopes.transpose(0, 2, 3, 1).reshape(-1, filters)
        weight = self.weights["weight"]
        self.slopes = {
            "weight": (flat.T @ self.rows).reshape(weight.shape),
            "bias": flat.sum(axis=0),
        }
        windows = (flat @ weight.reshape(filters, -1)).reshape(
            batch, height, width, -1, self.size, self.size
        )
        framed = np.zeros(self.frame, np.float32)  # every window adds its share to what it saw
        for row in range(self.size):
            for column in range(self.size):
                share = windows[..., row, column].transpose(0, 3, 1, 2)
                framed[:, :, row : row + height, column : column + width] += share
        end = -self.padding or None
        return framed[:, :, self.padding : end, self.padding : end]


class Dense(Layer):
    """Each unit's weighted sum of all inputs."""

    def __init__(self, inputs: int, units: int, random: Random):
        self.weights = draw_weights((units, inputs), random)

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        self.inputs = inputs
        return inputs @ self.weights["weight"].T + self.weights["bias"]

    def back(self, slopes: np.ndarray) -> np.ndarray:
        self.slopes = {"weight": slopes.T @ self.inputs, "bias": slopes.sum(axis=0)}
        return slopes @ self.weights["weight"]


class Sigmoid(Layer):
    """1 / (1 + exp(-x)), of each number by itself."""

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        self.outputs = 0.5 * (1 + np.tanh(0.5 * inputs))  # the same, but never too large
        return self.outputs

    def back(self, slopes: np.ndarray) -> np.ndarray:
        return slopes * self.outputs * (1 - self.outputs)


class AveragePooling(Layer):
    """Every 2×2 numbers become their average."""

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        batch, maps, height, width = inputs.shape
        blocks = inputs.reshape(batch, maps, height // 2, 2, width // 2, 2)
        return blocks.mean(axis=(3, 5))

    def back(self, slopes: np.ndarray) -> np.ndarray:
        return slopes.repeat(2, axis=2).repeat(2, axis=3) / 4


class Flatten(Layer):
    """Maps become one row of numbers."""

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        self.shape = inputs.shape
        return inputs.reshape(len(inputs), -1)

    def back(self, slopes: np.ndarray) -> np.ndarray:
        return slopes.reshape(self.shape)


def draw_weights(shape: tuple[int, ...], random: Random) -> dict[str, np.ndarray]:
    """Weights and biases as PyTorch makes them; the weights are drawn once more by `xavier`."""
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    return {"weight": random.uniform(bound, shape), "bias": random.uniform(bound, shape[:1])}


def xavier(shape: tuple[int, ...], random: Random) -> np.ndarray:
    """Weights that keep the size of values and slopes alike (Glorot and Bengio 2010)."""
    window = math.prod(shape[2:])
    deviation = math.sqrt(2 / ((shape[0] + shape[1]) * window))
    return random.uniform(math.sqrt(3) * deviation, shape)


def lenet(random: Random) -> list[Layer]:
    """LeNet of the tutorial: two blocks of convolution, three dense layers; 61,706 numbers."""
    layers = [
        Convolution(1, 6, 5, 2, random),
        Sigmoid(),
        AveragePooling(),
        Convolution(6, 16, 5, 0, random),
        Sigmoid(),
        AveragePooling(),
        Flatten(),
        Dense(16 * 5 * 5, 120, random),
        Sigmoid(),
        Dense(120, 84, random),
        Sigmoid(),
        Dense(84, 10, random),
    ]
    for layer in layers:
        if layer.weights:
            layer.weights["weight"] = xavier(layer.weights["weight"].shape, random)
    return layers


# --- Learning -----------------------------------------------------------------------------------


def forward(layers: list[Layer], images: np.ndarray) -> np.ndarray:
    """From images (N, 1, 28, 28) to logits (N, 10): the larger, the likelier."""
    for layer in layers:
        images = layer.forward(images)
    return images


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean of -log p(label), and its slope by each logit: p, less 1 at the label."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    each = np.arange(len(labels))
    slopes = np.exp(log_p)
    slopes[each, labels] -= 1
    return float(-log_p[each, labels].mean()), slopes / len(labels)


def step(layers: list[Layer], images: np.ndarray, labels: np.ndarray, rate: float) -> float:
    """Go a little way down the slope of a batch's loss; what the loss was before."""
    loss, slopes = cross_entropy(forward(layers, images), labels)
    for layer in reversed(layers):
        slopes = layer.back(slopes)
    for layer in layers:
        for name, weight in layer.weights.items():
            weight -= np.float32(rate) * layer.slopes[name]
    return loss


def batches(images: np.ndarray, labels: np.ndarray, seed: int, size: int) -> Iterator[tuple]:
    """All examples once, in the order of a seed."""
    order = Random(seed).permutation(len(labels))
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        yield to_numbers(images[chosen]), labels[chosen]


def accuracy(layers: list[Layer], images: np.ndarray, labels: np.ndarray) -> float:
    """The share of images whose largest logit is at their label."""
    right = 0
    for start in range(0, len(labels), 256):
        part = slice(start, start + 256)
        right += int((forward(layers, to_numbers(images[part])).argmax(1) == labels[part]).sum())
    return right / len(labels)


# --- The model file -----------------------------------------------------------------------------


def save(layers: list[Layer], path: Path) -> None:
    """Write the weights as safetensors: eight bytes, a header that says where each array lies, and
    the arrays. `lenet.load_weights` reads them into a network."""
    header, arrays, place = {}, [], 0
    for number, layer in enumerate(layers):
        for name, weight in layer.weights.items():
            ends = [place, place + weight.nbytes]
            about = {"dtype": "F32", "shape": list(weight.shape), "data_offsets": ends}
            header[f"{number}.{name}"] = about
            arrays.append(weight.astype("<f4").tobytes())
            place = ends[1]
    text = json.dumps(header).encode()
    partial = path.with_suffix(".part")
    partial.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(arrays))
    partial.replace(path)  # the file appears whole or not at all


def main(folder: Path, epochs: int = 10, seed: int = 0) -> None:
    """The whole training, with the tutorial's settings."""
    layers = lenet(Random(seed))
    images, labels = read_split(folder, "train")
    test_images, test_labels = read_split(folder, "t10k")
    for epoch in range(epochs):
        start, losses = time.perf_counter(), []
        for batch in batches(images, labels, seed_of_epoch(seed, epoch), size=256):
            losses.append(step(layers, *batch, rate=0.9))
        speed = len(labels) / (time.perf_counter() - start)
        score = accuracy(layers, test_images, test_labels)
        scores = f"loss {np.mean(losses):.3f}, test acc {score:.3f}"
        print(f"epoch {epoch + 1}: {scores}, {speed:.0f} examples/s")
    save(layers, Path("lenet.safetensors"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(argument) for argument in sys.argv[2:]))
