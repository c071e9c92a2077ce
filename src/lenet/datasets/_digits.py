from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from lenet.datasets._dataset import Dataset, Split, stratified_halves
from lenet.datasets._enlarge import enlarge_images
from lenet.pictures import Preparation

_TEST_FRACTION = 0.2


def load_digits() -> Dataset:
    """The handwriting that comes with scikit-learn, so that there is always something to train on.

    1,797 digits of 8×8 pixels and 17 grey levels, brought to 28×28 as MNIST's are: the ink in
    20×20 pixels, light on dark. A fixed fifth of every class is the test split.

    Source: E. Alpaydin and C. Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI
    Machine Learning Repository.
    """
    scikit_learn = find_spec("sklearn")  # importing it takes seconds, so only its file is read
    assert scikit_learn is not None
    assert scikit_learn.origin is not None
    file = Path(scikit_learn.origin).parent / "datasets/data/digits.csv.gz"
    rows = np.loadtxt(file, delimiter=",", dtype=np.int64)
    grey_levels = torch.from_numpy(rows[:, :-1]).float().reshape(-1, 1, 8, 8) / 16
    images = (enlarge_images(grey_levels) * 255).round().to(torch.uint8).numpy()
    labels = rows[:, -1]
    everything = Split(images, labels)
    train, test = stratified_halves(labels, _TEST_FRACTION, seed=0)
    names = tuple(str(digit) for digit in range(10))
    return Dataset(
        "digits",
        names,
        everything.take(train),
        everything.take(test),
        preparation=Preparation(polarity="light-on-dark"),
    )
