"""What the last layer sees: which images it finds alike, and a map of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lenet.errors import MissingExtraError, ModelError, SettingError
from lenet.models import ArrayNetwork, Network, Normalisation
from lenet.models.layers import forward_all
from lenet.results._choices import Distance, MapMethod
from lenet.results._networks import (
    AnyNetwork,
    Images,
    batches_for,
    label_all,
    logits_of,
    network_for,
)

Features = npt.NDArray[np.float32]  # (N, units)
Exact = npt.NDArray[np.float64]
_CHUNK = 4096  # images whose features are held at a time
_PERPLEXITY = 30.0  # neighbours that count in t-SNE, about


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The images that a network finds most like one, nearest first.

    Attributes:
        indices: Which of the images that were searched, int64 (count,).
        distances: How far they are, float64 (count,), 0 or above: 1 - cosine, or Euclidean.
    """

    indices: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]


def compute_features(
    network: AnyNetwork, images: Images, normalisation: Normalisation | None = None
) -> Features:
    """What a network's last layer sees of images: the outputs of the layer before it.

    Args:
        network: The network, of layers one after the other; left in the mode it was in.
        images: uint8 (N, C, H, W).
        normalisation: How pixels become the network's input.

    Returns:
        float32 (N, units); for a softmax regression the pixels themselves.

    Raises:
        DatasetError: The images are not uint8 of shape (N, C, H, W).
        ModelError: They do not fit the network.

    >>> from lenet.models import LeNet
    >>> compute_features(LeNet(), np.zeros((3, 1, 28, 28), np.uint8)).shape
    (3, 84)
    """
    known, examples = network_for(network, images), label_all(images)
    if isinstance(known, ArrayNetwork):
        before = _without_last(known)
        if before.arrays:
            features = logits_of(before, examples, normalisation)
        else:  # what sees the pixels
            batches = batches_for(before, examples, normalisation)
            found = [forward_all(before.placed, inputs, {})[0] for inputs, _ in batches]
            features = np.concatenate(found)
    else:
        from lenet.results.inside._modules import evaluating, without_last

        with evaluating(known):
            features = logits_of(without_last(known), examples, normalisation)
    return features.reshape(len(images), -1)


def _without_last(network: ArrayNetwork) -> ArrayNetwork:
    *before, last = network.network.layers
    arrays = {
        name: array
        for name, array in network.arrays.items()
        if not name.startswith(f"{last.name}.")
    }
    return ArrayNetwork(Network(before, network.input_shape), arrays)


def find_neighbours(
    network: AnyNetwork,
    images: Images,
    searched: Images,
    normalisation: Normalisation | None = None,
    *,
    count: int = 8,
    distance: Distance = "cosine",
) -> tuple[Neighbours, ...]:
    """The images that a network finds most like each of some images.

    Compared is what the last layer sees. The images that are searched go through the network a few
    thousand at a time, so their number is not limited by memory.

    Args:
        network: The network; left in the mode it was in.
        images: uint8 (N, C, H, W).
        searched: uint8 (M, C, H, W): the training images, for example.
        normalisation: How pixels become the network's input.
        count: How many to find for each, at least 1.
        distance: `cosine` compares directions, `euclidean` lengths too.

    Returns:
        Neighbours of each image; fewer than `count` where fewer are searched. Of those equally far
        the first comes first.

    Raises:
        LenetError: As for `compute_features`.
        ModelError: The images that are searched have another shape.
        SettingError: `count` is below 1.
    """
    if count < 1:
        message = f"`count` must be at least 1, not {count}."
        raise SettingError(message)
    if images.shape[1:] != searched.shape[1:]:
        message = f"The images searched have shape {searched.shape[1:]}, not {images.shape[1:]}."
        raise ModelError(message)
    network = network_for(network, images)
    wanted = _scaled(compute_features(network, images, normalisation), distance)
    indices = np.empty((len(images), 0), np.int64)
    distances = np.empty((len(images), 0))
    for start in range(0, len(searched), _CHUNK):
        chunk = compute_features(network, searched[start : start + _CHUNK], normalisation)
        new = _distances(wanted, _scaled(chunk, distance), distance)
        numbers = np.broadcast_to(np.arange(start, start + len(chunk)), new.shape)
        indices, distances = np.hstack([indices, numbers]), np.hstack([distances, new])
        nearest = distances.argsort(axis=1, kind="stable")[:, :count]
        indices = np.take_along_axis(indices, nearest, axis=1)
        distances = np.take_along_axis(distances, nearest, axis=1)
    return tuple(map(Neighbours, indices, distances))


def _scaled(features: Features, distance: Distance) -> Exact:
    """Features as they are compared: of length 1 where only directions count."""
    exact = features.astype(np.float64)
    if distance == "cosine":
        lengths = np.linalg.norm(exact, axis=1, keepdims=True)
        exact /= np.where(lengths, lengths, 1)
    return exact


def _distances(wanted: Exact, searched: Exact, distance: Distance) -> Exact:
    """From each of the one to each of the others, (N, M)."""
    products: Exact = wanted @ searched.T
    if distance == "cosine":
        return np.maximum(1 - products, 0)
    squares: Exact = (wanted**2).sum(axis=1)[:, None] + (searched**2).sum(axis=1)
    distances: Exact = np.sqrt(np.maximum(squares - 2 * products, 0))
    return distances


@dataclass(frozen=True, eq=False)
class Projection:
    """Points of many dimensions on a map of two.

    Attributes:
        points: float64 (N, 2).
        shares: Of PCA, the share of all variance that each direction holds, 0 to 1.
    """

    points: npt.NDArray[np.float64]
    shares: tuple[float, float] | None = None


def project(
    features: npt.NDArray[np.float32], method: MapMethod = "pca", *, seed: int = 0
) -> Projection:
    """Lay points of many dimensions on a map of two.

    Args:
        features: (N, units), at least two points.
        method: `pca` takes the two directions in which the points spread most: distances are true
            where these hold most of the variance. `tsne` keeps neighbours together and tells
            nothing about what is far apart; it takes seconds for a thousand points.
        seed: Of t-SNE.

    Raises:
        SettingError: There are fewer than two points.
        MissingExtraError: t-SNE needs scikit-learn, which is not installed.

    Source: L. van der Maaten and G. Hinton (2008), "Visualizing data using t-SNE".

    >>> line = np.array([[0, 0, 0], [1, 1, 0], [2, 2, 0]], np.float32)
    >>> project(line).shares
    (1.0, 0.0)
    """
    if len(features) < 2:
        message = f"A map needs at least two images, not {len(features)}."
        raise SettingError(message)
    if method == "tsne":
        try:
            from sklearn.manifold import TSNE
        except ModuleNotFoundError as error:
            raise MissingExtraError("t-SNE", package="scikit-learn") from error

        perplexity = min(_PERPLEXITY, (len(features) - 1) / 3)
        start = "pca" if min(features.shape) > 2 else "random"
        tsne = TSNE(perplexity=perplexity, init=start, random_state=seed)
        return Projection(tsne.fit_transform(features).astype(np.float64))
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    directions, lengths = directions[:2], lengths**2
    # The sign of a direction is arbitrary; its largest number is positive here.
    largest = np.abs(directions).argmax(axis=1)
    directions *= np.where(directions[np.arange(len(directions)), largest] < 0, -1, 1)[:, None]
    points = np.zeros((len(features), 2))
    points[:, : len(directions)] = centred @ directions.T
    shares = [*(lengths / (lengths.sum() or 1))[:2].round(12), 0.0][:2]
    return Projection(points, (float(shares[0]), float(shares[1])))
