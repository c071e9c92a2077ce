import numpy as np
import numpy.typing as npt


def find_suspects(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Find images whose label is worth a second look.

    An image is one if the network takes it for another class at least as surely as it takes, on
    average, that class's own images for what they are (Northcutt, Jiang and Chuang 2021, "Confident
    Learning", section 3.1). Many of them are mistakes of the network, not of the label.

    Args:
        probabilities: Of every class for every image, (N, classes); of images that the network did
            not learn from, as it knows by heart what it has learnt.
        labels: What the images are said to be, (N,).

    Returns:
        Their indices, the least probable label first.

    >>> given = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.05, 0.95]])
    >>> find_suspects(given, np.array([0, 0, 1, 0]))
    array([3])
    """
    given = probabilities.astype(np.float64)
    classes = given.shape[1]
    own = given[np.arange(len(labels)), labels]
    usual = np.full(classes, np.inf)  # nothing is taken for a class that has no images
    for label in np.unique(labels):
        usual[label] = own[labels == label].mean()
    sure = np.where(given >= usual, given, -1.0)
    is_suspect = (sure.max(axis=1) >= 0) & (sure.argmax(axis=1) != labels)
    suspects = np.flatnonzero(is_suspect)
    return suspects[np.argsort(own[suspects], kind="stable")]
