"""The pieces below: parts of a batch, batch normalisation over parts, messages, the place."""

import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.distributed import HashStore

from lenet.datasets import Augmentation, Batches, Dataset
from lenet.errors import LostProcessError, SettingError
from lenet.models import LeNet, LeNetConfig
from lenet.training import (
    ALONE,
    Recipe,
    Trainer,
    compute_logits,
    find_place,
    join_group,
    leave,
    speaker,
)

# What processes do with each other is tested here without processes, below the room's face.
from lenet.training._metrics import HeldOut
from lenet.training.engines._distributed import SharedBatchNorm
from lenet.training.peers._group import part_of
from lenet.training.peers._torchrun_group import MessageStore, _read_timeout


class Member:
    """One of several processes that can do nothing."""

    def __init__(self, rank: int, size: int):
        self.rank, self.size = rank, size

    def add_up(self, tensor: Tensor) -> None:
        raise NotImplementedError


@given(count=st.integers(0, 1000), size=st.integers(1, 64))
def test_parts_cover_every_example_once_and_differ_by_one_at_most(count: int, size: int) -> None:
    parts = [part_of(count, Member(rank, size)) for rank in range(size)]
    assert [index for part in parts for index in range(count)[part]] == list(range(count))
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_parts_of_a_selection_are_the_batch_that_one_process_sees(few_digits: Dataset) -> None:
    augmentation = Augmentation(flip=True, rotation=10, shift=2)
    batches = Batches(few_digits.train, 30, shuffle=True, seed=3, augmentation=augmentation)
    for selection in batches.selections(1):
        images, labels = batches.take(selection)
        count = len(labels)
        parts = [
            batches.take(selection.part(part_of(count, Member(rank, 32)))) for rank in range(32)
        ]
        assert torch.equal(torch.cat([part[1] for part in parts]), labels)
        assert torch.equal(torch.cat([part[0] for part in parts]), images)


@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 5, 4)])
@pytest.mark.parametrize("affine", [True, False])
def test_batch_normalisation_is_pytorchs(shape: tuple[int, ...], affine: bool) -> None:
    kind = nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d
    images = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 3 + 5
    seen = []
    for shared in (False, True):
        layer, pixels = kind(3, affine=affine), images.clone().requires_grad_()
        if shared:
            with SharedBatchNorm(ALONE):
                output = layer(pixels)
        else:
            output = layer(pixels)
        output.pow(3).sum().backward()
        gradients = [parameter.grad for parameter in layer.parameters()]
        seen.append([output, pixels.grad, *gradients, *layer.buffers()])
    for theirs, ours in zip(*seen, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_batch_normalisation_in_evaluation_mode_is_left_alone() -> None:
    images, layer = torch.randn(6, 3, 5, 4), nn.BatchNorm2d(3).eval()
    with SharedBatchNorm(ALONE):
        ours = layer(images)
    assert torch.equal(ours, F.batch_norm(images, layer.running_mean, layer.running_var))


def test_messages_are_gathered_in_the_order_of_the_processes() -> None:
    store, found = HashStore(), {}

    def take_part(rank: int) -> None:
        messages = MessageStore(store, rank, 3, 10)
        found[rank] = [messages.gather({"rank": rank}, 10), messages.gather([rank], 10)]

    threads = [threading.Thread(target=take_part, args=(rank,)) for rank in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1] == found[2]
    assert found[0] == [[{"rank": 0}, {"rank": 1}, {"rank": 2}], [[0], [1], [2]]]


def test_who_does_not_come_is_named() -> None:
    with pytest.raises(LostProcessError, match=r"Process 1 of 2 did not come within 0\.1 s"):
        MessageStore(HashStore(), 0, 2, 10).gather(None, 0.1)


def test_a_store_that_never_answers_is_given_up() -> None:
    class Silent:
        def check(self, keys: list[str]) -> bool:
            threading.Event().wait()
            return True

    messages = MessageStore(Silent(), 0, 2, 0.1)  # type: ignore[arg-type]
    assert not messages.has_flag("told", 0.1)
    assert messages._is_lost


def test_without_torchrun_a_process_is_alone() -> None:
    assert find_place() is None
    group = join_group()
    assert (group.rank, group.size, group.gather(5), group.send(b"x")) == (0, 1, [5], b"x")
    assert group.decide(lambda: 7) == 7
    assert speaker(SettingError()) == ""
    leave(3)  # does nothing


def test_a_timeout_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _read_timeout() == 60
    for text in ("soon", "0", "-1", "inf"):
        monkeypatch.setenv("LENET_TIMEOUT", text)
        with pytest.raises(SettingError, match="`LENET_TIMEOUT` must be a number of seconds"):
            _read_timeout()


def test_each_scores_its_part_of_the_images_of_real_classes(few_digits: Dataset) -> None:
    class Adding(Member):
        """A process that keeps what it adds to the others."""

        def add_up(self, tensor: Tensor) -> None:
            added.append(tensor.clone())
            tensor.copy_(torch.stack(added).sum(0))

    network, added = LeNet(LeNetConfig()), list[Tensor]()
    batches = Batches(few_digits.test, 20)  # the sevens stand for counter-examples
    expected = HeldOut(batches, Member(0, 1), 7).evaluate(network)
    real = few_digits.test.labels != 7
    logits = compute_logits(network, batches)[real]
    assert expected[1] == (logits[:, :7].argmax(1) == few_digits.test.labels[real]).mean()
    found = [HeldOut(batches, Adding(rank, 3), 7).evaluate(network) for rank in range(3)][-1]
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("answered", [0, 1, 4])
def test_a_step_that_fails_leaves_the_training_as_it_was(
    few_digits: Dataset, answered: int
) -> None:
    class Dying(Member):
        """Two processes, the other of which is lost after so many sums."""

        left = answered

        def add_up(self, tensor: Tensor) -> None:
            self.left -= 1
            if self.left < 0:
                raise LostProcessError

    recipe = Recipe(batch_size=40, optimiser="adamw", learning_rate=0.01)
    network = LeNet(LeNetConfig(batch_norm=True))
    trainer = Trainer(network, few_digits, recipe, peers=Dying(0, 2))
    before = trainer.state()
    with pytest.raises(LostProcessError):
        trainer.run()
    after = trainer.state()
    assert after.arrays.keys() == before.arrays.keys()
    assert all(np.array_equal(after.arrays[name], before.arrays[name]) for name in before.arrays)
    assert after.values["step"] == 0
