from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from lenet.d2l._animator import Animator
from lenet.d2l._data import get_fashion_mnist_labels
from lenet.d2l._plotting import show_images
from lenet.d2l._training import Accumulator, DataIterator, accuracy, device_of, evaluate_accuracy


def linreg(X: Tensor, w: Tensor, b: Tensor | float) -> Tensor:
    """The linear model Xw + b. Section 3.2.

    Args:
        X: Examples, shape (B, features).
        w: Weights, shape (features, 1).
        b: Bias.
    """
    return X @ w + b


def squared_loss(y_hat: Tensor, y: Tensor) -> Tensor:
    """Half the squared error of each example. Section 3.2.

    Args:
        y_hat: Predictions.
        y: True values, as many; brought to the shape of the predictions.
    """
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params: Iterable[Tensor], lr: float, batch_size: int) -> None:
    """A step of stochastic gradient descent; the gradients are zero afterwards. Section 3.2.

    Args:
        params: What to change in place, each with the gradient of a batch's summed loss.
        lr: Learning rate.
        batch_size: Examples in that batch; the gradients are divided by it.
    """
    with torch.no_grad():
        for param in params:
            param -= lr * param.grad / batch_size  # type: ignore[operator]
            param.grad.zero_()  # type: ignore[union-attr]


def train_epoch_ch3(
    net: nn.Module | Any,
    train_iter: Iterable[Any],
    loss: Callable[[Tensor, Tensor], Tensor],
    updater: torch.optim.Optimizer | Callable[[int], Any],
) -> tuple[float, float]:
    """Train for one epoch on the CPU. Section 3.6.

    Args:
        net: The network, or any function of a batch.
        train_iter: Batches (X, y).
        loss: Of (y_hat, y): a loss for each example, or their mean as PyTorch's losses give it.
        updater: An optimiser of PyTorch, or a function of the batch size, which finds the gradient
            of the summed loss.

    Returns:
        The mean loss and the accuracy, both of the weights as they changed.
    """
    if isinstance(net, nn.Module):
        net.train()
    metric = Accumulator(3)  # loss, right predictions, examples
    for X, y in train_iter:
        y_hat = net(X)
        batch_loss = loss(y_hat, y)
        total = batch_loss.sum() if batch_loss.ndim else batch_loss * len(y)
        if isinstance(updater, torch.optim.Optimizer):
            updater.zero_grad()
            batch_loss.mean().backward()  # type: ignore[no-untyped-call]
            updater.step()
        else:
            total.backward()  # type: ignore[no-untyped-call]
            updater(len(y))
        metric.add(total, accuracy(y_hat, y), y.numel())
    return metric[0] / metric[2], metric[1] / metric[2]


def train_ch3(
    net: nn.Module | Any,
    train_iter: DataIterator,
    test_iter: DataIterator,
    loss: Callable[[Tensor, Tensor], Tensor],
    num_epochs: int,
    updater: torch.optim.Optimizer | Callable[[int], Any],
) -> None:
    """Train on the CPU, with a curve that grows. Section 3.6.

    A poor result ends in no `AssertionError`, which it does in the book.

    Args:
        net: The network, or any function of a batch.
        train_iter: Batches (X, y) to train on.
        test_iter: Batches to test on after every epoch.
        loss: As `train_epoch_ch3` takes it.
        num_epochs: How often to go through the training batches.
        updater: As `train_epoch_ch3` takes it.
    """
    animator = Animator(
        xlabel="epoch",
        xlim=[1, num_epochs],
        ylim=[0.3, 0.9],
        legend=["train loss", "train acc", "test acc"],
    )
    for epoch in range(num_epochs):
        train_metrics = train_epoch_ch3(net, train_iter, loss, updater)
        animator.add(epoch + 1, (*train_metrics, evaluate_accuracy(net, test_iter)))


def predict_ch3(net: nn.Module | Any, test_iter: Iterable[Any], n: int = 6) -> None:
    """Draw images of Fashion-MNIST, each under its true label and the predicted one. Section 3.6.

    Args:
        net: The network, put into evaluation mode; or any function of a batch.
        test_iter: Batches (X, y); the images are the first of the first batch.
        n: How many images, at most a batch.
    """
    X, y = next(iter(test_iter))
    X, y = X[:n], y[:n]
    if isinstance(net, nn.Module):
        net.eval()
    with torch.no_grad():
        predicted = net(X.to(device_of(net))).argmax(1)
    pairs = zip(get_fashion_mnist_labels(y), get_fashion_mnist_labels(predicted), strict=True)
    images = X.reshape(-1, *(X.shape[-2:] if X.ndim > 2 else (28, 28)))
    show_images(images, 1, len(images), titles=[f"{true}\n{guess}" for true, guess in pairs])


def evaluate_loss(
    net: nn.Module | Any, data_iter: Iterable[Any], loss: Callable[[Tensor, Tensor], Tensor]
) -> float:
    """The mean of a loss over all batches. Section 4.4.

    Args:
        net: The network, or any function of a batch.
        data_iter: Batches (X, y); y is brought to the predictions' shape if it has as many numbers.
        loss: Of (y_hat, y): a number for each example, or for the batch.
    """
    metric = Accumulator(2)  # loss, how many losses
    with torch.no_grad():
        for X, y in data_iter:
            y_hat = net(X)
            losses = loss(y_hat, y.reshape(y_hat.shape) if y.numel() == y_hat.numel() else y)
            metric.add(losses.sum(), losses.numel())
    return metric[0] / metric[1]
