from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lenet.errors import SettingError
from lenet.results.inspection._choices import MapMethod

_PERPLEXITY = 30.0  # neighbours that count in t-SNE, about


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

    Source: L. van der Maaten and G. Hinton (2008), "Visualizing data using t-SNE".

    >>> line = np.array([[0, 0, 0], [1, 1, 0], [2, 2, 0]], np.float32)
    >>> project(line).shares
    (1.0, 0.0)
    """
    if len(features) < 2:
        message = f"A map needs at least two images, not {len(features)}."
        raise SettingError(message)
    if method == "tsne":
        from sklearn.manifold import TSNE

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
