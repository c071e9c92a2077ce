"""The iterators over data that the book's programs go through."""

import multiprocessing
import os

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset, random_split

from lenet import d2l


@pytest.mark.parametrize("is_train", [True, False])
def test_arrays_come_in_the_batches_of_pytorchs_loader(is_train: bool) -> None:
    features, labels = torch.rand(23, 2), torch.rand(23, 1)
    theirs = DataLoader(TensorDataset(features, labels), 10, shuffle=is_train)
    ours = d2l.load_array((features, labels), 10, is_train)
    assert (len(ours), ours.batch_size, len(ours.dataset)) == (3, 10, 23)
    passes = []
    for loader in (ours, theirs):
        torch.manual_seed(3)
        passes.append([batch for _ in range(2) for batch in loader])
    torch.testing.assert_close(*passes, rtol=0, atol=0)
    assert isinstance(next(iter(ours)), list)


@pytest.mark.usefixtures("small_fashion_mnist")
@pytest.mark.parametrize(("resize", "shape"), [(None, (1, 28, 28)), (40, (1, 40, 40))])
def test_the_batches_know_their_images_one_by_one(
    resize: int | None, shape: tuple[int, ...]
) -> None:
    train_iter, test_iter = d2l.load_data_fashion_mnist(32, resize)
    assert (train_iter.batch_size, test_iter.batch_size) == (32, 32)
    assert (len(train_iter.dataset), len(test_iter.dataset)) == (300, 100)
    image, label = test_iter.dataset[-1]
    assert (image.shape, image.dtype, type(label)) == (shape, torch.float32, int)
    for ours, again in zip(test_iter, DataLoader(test_iter.dataset, 32), strict=True):
        torch.testing.assert_close(list(ours), again, rtol=0, atol=1e-6)
    assert sum(1 for _ in test_iter.dataset) == 100, "it ends"
    assert test_iter.dataset.targets[99] == label
    assert test_iter.dataset.classes[9] == "ankle boot"
    part, _ = random_split(train_iter.dataset, [30, 270])
    assert next(iter(DataLoader(part, 30)))[0].shape == (30, *shape)


def test_labels_have_names() -> None:
    names = d2l.get_fashion_mnist_labels(torch.tensor([0, 9, 5]))
    assert names == ["t-shirt", "ankle boot", "sandal"]


def test_as_many_workers_as_a_program_can_start(monkeypatch: pytest.MonkeyPatch) -> None:
    methods = ["fork", "spawn"]
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: methods)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    assert d2l.get_dataloader_workers() == 4
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {7}, raising=False)
    assert d2l.get_dataloader_workers() == 1
    methods.reverse()
    assert d2l.get_dataloader_workers() == 0, "a script without a `__main__` guard"
