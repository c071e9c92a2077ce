"""What the book's chapters on linear networks and multilayer perceptrons take from `d2l`."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from forked_process import ForkedProcess
from lenet import d2l

# Of the form of the book's: a classifier whose every part is written by hand.
BY_HAND = """
import warnings
warnings.simplefilter("error")
import torch
from lenet import d2l

train_iter, test_iter = d2l.load_data_fashion_mnist(50)
weights = d2l.normal(0, 0.01, size=(784, 10), requires_grad=True)
offsets = d2l.zeros(10, requires_grad=True)

def classifier(X):
    scores = d2l.exp(d2l.matmul(d2l.reshape(X, (-1, 784)), weights) + offsets)
    return scores / d2l.reduce_sum(scores, 1, keepdim=True)

def surprise(y_hat, y):
    return -d2l.log(y_hat[range(len(y_hat)), y])

def updater(batch_size):
    return d2l.sgd([weights, offsets], 0.1, batch_size)

d2l.train_ch3(classifier, train_iter, test_iter, surprise, 3, updater)
d2l.plt.savefig('curve.png')
d2l.predict_ch3(classifier, test_iter)
d2l.plt.savefig('guesses.png')
print(d2l.evaluate_accuracy(classifier, test_iter))
"""


def classifier() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(9, 3))


def images() -> list[tuple[Tensor, Tensor]]:
    """Batches of 8, 8 and 4 images of 3×3 pixels."""
    numbers = torch.Generator().manual_seed(2)
    return [
        (torch.rand(size, 1, 3, 3, generator=numbers), torch.randint(3, (size,), generator=numbers))
        for size in (8, 8, 4)
    ]


@pytest.mark.usefixtures("small_fashion_mnist")
def test_a_program_written_by_hand_trains_and_shows_its_guesses() -> None:
    process = ForkedProcess(code=BY_HAND, environment={"MPLBACKEND": "agg"})
    output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert float(output) > 0.6, "of ten digits"
    assert os.path.getsize("curve.png") > 1000
    assert os.path.getsize("guesses.png") > 1000


def test_linreg_and_squared_loss_are_pytorchs() -> None:
    X, w, y = torch.rand(5, 3), torch.rand(3, 1), torch.rand(5)
    expected = nn.functional.linear(X, w.T, torch.tensor([4.2]))
    torch.testing.assert_close(d2l.linreg(X, w, 4.2), expected)
    losses = d2l.squared_loss(expected, y)
    torch.testing.assert_close(losses, nn.MSELoss(reduction="none")(expected, y[:, None]) / 2)


def test_sgd_makes_the_step_of_pytorchs_optimiser() -> None:
    X, y = torch.rand(10, 3), torch.rand(10)
    ours, theirs = torch.ones(3, 1, requires_grad=True), torch.ones(3, 1, requires_grad=True)
    optimiser = torch.optim.SGD([theirs], lr=0.3)
    for _ in range(3):
        d2l.squared_loss(X @ ours, y).sum().backward()
        d2l.sgd([ours], 0.3, 10)
        assert not ours.grad.any()
        optimiser.zero_grad()
        d2l.squared_loss(X @ theirs, y).mean().backward()
        optimiser.step()
    torch.testing.assert_close(ours, theirs)


def test_synthetic_data_are_found_again_by_least_squares() -> None:
    w, b = torch.tensor([2.0, -3.4]), 4.2
    torch.manual_seed(0)
    X, y = d2l.synthetic_data(w, b, 1000)
    assert (X.shape, y.shape) == ((1000, 2), (1000, 1))
    with_ones = np.column_stack([X, np.ones(1000)])
    found, residual, *_ = np.linalg.lstsq(with_ones, y.numpy(), rcond=None)
    np.testing.assert_allclose(found[:, 0], [*w, b], atol=2e-3)
    assert np.sqrt(residual / 1000) == pytest.approx(0.01, rel=0.1)
    assert d2l.synthetic_data(w.reshape(-1, 1), b, 3)[1].shape == (3, 1)


@pytest.mark.parametrize("reduction", ["none", "mean"])
@pytest.mark.parametrize("by_hand", [False, True])
def test_an_epoch_is_that_of_a_loop_over_pytorchs_parts(reduction: str, by_hand: bool) -> None:
    theirs, ours = classifier(), classifier()
    optimiser = torch.optim.SGD(theirs.parameters(), lr=0.5)
    total, right = 0.0, 0
    for X, y in images():
        optimiser.zero_grad()
        y_hat = theirs(X)
        batch_loss = nn.functional.cross_entropy(y_hat, y)
        batch_loss.backward()
        optimiser.step()
        total += batch_loss.item() * len(y)
        right += int((y_hat.argmax(1) == y).sum())
    updater: torch.optim.Optimizer | Callable[[int], Any] = torch.optim.SGD(ours.parameters(), 0.5)
    if by_hand:
        updater = lambda batch_size: d2l.sgd(ours.parameters(), 0.5, batch_size)  # noqa: E731
    ours.eval()
    mean_loss, accuracy = d2l.train_epoch_ch3(
        ours, images(), nn.CrossEntropyLoss(reduction=reduction), updater
    )
    assert ours.training
    assert mean_loss == pytest.approx(total / 20)
    assert accuracy == right / 20
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())


def test_training_draws_a_point_an_epoch_and_bears_a_poor_result() -> None:
    net = classifier()
    loss = nn.CrossEntropyLoss(reduction="none")
    d2l.train_ch3(net, images(), images(), loss, 4, torch.optim.SGD(net.parameters(), lr=1e-9))
    axes = d2l.plt.gcf().axes[0]
    assert [len(line.get_xdata()) for line in axes.get_lines()] == [4, 4, 4]
    assert axes.get_lines()[2].get_ydata()[-1] == d2l.evaluate_accuracy(net, images())
    assert axes.get_ylim() == (0.3, 0.9)
    d2l.plt.close("all")


@pytest.mark.usefixtures("small_fashion_mnist")
def test_guesses_stand_under_the_truth() -> None:
    _, test_iter = d2l.load_data_fashion_mnist(20)
    X, y = next(iter(test_iter))
    net = nn.Sequential(nn.Flatten(), nn.Dropout(0.9), nn.Linear(784, 10))
    d2l.predict_ch3(net, test_iter, n=4)
    assert not net.training
    axes = d2l.plt.gcf().axes
    guesses = d2l.get_fashion_mnist_labels(net(X).argmax(1))
    truths = d2l.get_fashion_mnist_labels(y)
    assert [axis.get_title() for axis in axes] == [
        f"{truth}\n{guess}" for truth, guess in zip(truths[:4], guesses, strict=False)
    ]
    np.testing.assert_array_equal(axes[3].images[0].get_array(), X[3, 0])
    # Images laid out as rows of pixels, and fewer of them than asked for.
    d2l.predict_ch3(lambda X: X[:, :10], [(X[:2].flatten(1), y[:2])])
    assert len(d2l.plt.gcf().axes) == 2
    np.testing.assert_array_equal(d2l.plt.gcf().axes[1].images[0].get_array(), X[1, 0])
    d2l.plt.close("all")


def test_a_loss_is_averaged_over_examples_and_not_over_batches() -> None:
    X, y = torch.rand(20, 9), torch.rand(20)
    batches = [(X[:12], y[:12]), (X[12:], y[12:])]
    net = nn.Linear(9, 1)
    found = d2l.evaluate_loss(net, batches, nn.MSELoss(reduction="none"))
    assert found == pytest.approx(nn.functional.mse_loss(net(X)[:, 0], y).item())
    network = classifier()
    found = d2l.evaluate_loss(network, images(), nn.CrossEntropyLoss(reduction="none"))
    all_X, all_y = (torch.cat(parts) for parts in zip(*images(), strict=True))
    assert found == pytest.approx(nn.functional.cross_entropy(network(all_X), all_y).item())


def test_sums_take_losses_that_carry_a_gradient() -> None:
    metric = d2l.Accumulator(2)
    metric.add(torch.ones(3, requires_grad=True).sum(), 2)
    assert metric[0] == 3.0


def test_a_network_without_weights_is_evaluated() -> None:
    scores = torch.eye(2)
    assert d2l.evaluate_accuracy(nn.Identity(), [(scores, torch.tensor([0, 0]))]) == 0.5
