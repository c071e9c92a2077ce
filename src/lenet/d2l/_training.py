"""The functions that the book's chapters 3 to 6 define: models, losses, training, evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sized
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from lenet.d2l._data import get_fashion_mnist_labels
from lenet.d2l._plotting import Animator, show_images
from lenet.models import initialise


class DataIterator(Sized, Iterable[Any], Protocol):
    """What gives batches (X, y), and knows how many."""


class Accumulator:
    """Sums over `n` quantities. Section 3.6.

    >>> metric = Accumulator(2)
    >>> metric.add(1, 2)
    >>> metric.add(3, 4)
    >>> metric[0], metric[1]
    (4.0, 6.0)
    """

    data: list[float]

    def __init__(self, n: int):
        self.data = [0.0] * n

    def add(self, *args: float | Tensor) -> None:
        """Add a number to each sum."""
        values = (value.detach() if isinstance(value, Tensor) else value for value in args)
        self.data = [total + float(value) for total, value in zip(self.data, values, strict=True)]

    def reset(self) -> None:
        """Begin again at zero."""
        self.data = [0.0] * len(self.data)

    def __getitem__(self, index: int) -> float:
        return self.data[index]


class Timer:
    """Notes spans of time, in seconds; running from the moment it is made. Section 3.1."""

    tik: float

    def __init__(self) -> None:
        self.times: list[float] = []
        self.start()

    def start(self) -> None:
        """Begin a span."""
        self.tik = time.time()

    def stop(self) -> float:
        """End the span, note it and give its length."""
        self.times.append(time.time() - self.tik)
        return self.times[-1]

    def avg(self) -> float:
        """The mean span."""
        return sum(self.times) / len(self.times)

    def sum(self) -> float:
        """All spans together."""
        return sum(self.times)

    def cumsum(self) -> list[float]:
        """The sums of the first span, the first two, the first three, and so on."""
        return [sum(self.times[: end + 1]) for end in range(len(self.times))]


def accuracy(y_hat: Tensor, y: Tensor) -> float:
    """How many predictions are right. Section 3.6.

    Args:
        y_hat: A score for each class, shape (B, classes), or the predicted classes, shape (B,).
        y: The true classes, shape (B,).
    """
    if y_hat.ndim > 1 and y_hat.shape[1] > 1:
        return float((y_hat.argmax(dim=1) == y).sum())
    return float((y_hat.type(y.dtype) == y).sum())


def size(a: Tensor) -> int:
    """How many numbers a tensor holds."""
    return a.numel()


def try_gpu(i: int = 0) -> torch.device:
    """The GPU of number `i`, or the CPU where there is none. Section 5.6."""
    return torch.device(f"cuda:{i}" if torch.cuda.device_count() > i else "cpu")


def try_all_gpus() -> list[torch.device]:
    """All GPUs, or the CPU alone where there is none. Section 5.6."""
    gpus = [torch.device(f"cuda:{i}") for i in range(torch.cuda.device_count())]
    return gpus or [torch.device("cpu")]


def device_of(net: nn.Module | Any) -> torch.device | None:
    """Where the weights of a network are; `None` for one without, and for a function."""
    weights = next(net.parameters(), None) if isinstance(net, nn.Module) else None
    return None if weights is None else weights.device


def evaluate_accuracy_gpu(
    net: nn.Module | Any, data_iter: Iterable[Any], device: torch.device | str | None = None
) -> float:
    """The accuracy of a network over all batches. Section 6.6.

    Args:
        net: The network, put into evaluation mode; or any function of a batch.
        data_iter: Pairs (X, y); X may be a list of tensors.
        device: Where the batches are moved to; the network's own where none is given.
    """
    if isinstance(net, nn.Module):
        net.eval()
    device = device or device_of(net)
    metric = Accumulator(2)
    with torch.no_grad():
        for X, y in data_iter:
            X = [x.to(device) for x in X] if isinstance(X, list) else X.to(device)
            y = y.to(device)
            metric.add(accuracy(net(X), y), size(y))
    return metric[0] / metric[1]


def evaluate_accuracy(net: nn.Module | Any, data_iter: Iterable[Any]) -> float:
    """The accuracy of a network over all batches, where it is. Section 3.6."""
    return evaluate_accuracy_gpu(net, data_iter)


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


def corr2d(X: Tensor, K: Tensor) -> Tensor:
    """The two-dimensional cross-correlation, without padding, in steps of one. Section 6.2.

    Args:
        X: The input, shape (H, W).
        K: The kernel, shape (h, w), no larger than the input.

    Returns:
        Floats of shape (H - h + 1, W - w + 1).

    >>> corr2d(torch.arange(9.0).reshape(3, 3), torch.tensor([[0.0, 1.0], [2.0, 3.0]]))
    tensor([[19., 25.],
            [37., 43.]])
    """
    height, width = K.shape
    products = X.unfold(0, height, 1).unfold(1, width, 1) * K
    if not products.is_floating_point():
        products = products.to(torch.get_default_dtype())
    return products.sum((2, 3))


def train_ch6(
    net: nn.Module,
    train_iter: DataIterator,
    test_iter: DataIterator,
    num_epochs: int,
    lr: float,
    device: torch.device | str,
) -> None:
    """Train a network with a curve that grows, and print the result. Section 6.6.

    Args:
        net: The network; its weights are drawn anew by Xavier's rule. Lazy layers such as
            `nn.LazyConv2d` learn their sizes from a batch before.
        train_iter: Batches (X, y) to train on, with a length.
        test_iter: Batches to test on after every epoch.
        num_epochs: How often to go through the training batches.
        lr: Learning rate of plain SGD.
        device: Where to train.
    """
    _materialise(net, train_iter)
    initialise(net, "xavier")
    print("training on", device)  # noqa: T201
    net.to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    loss = nn.CrossEntropyLoss()
    animator = Animator(
        xlabel="epoch", xlim=[1, num_epochs], legend=["train loss", "train acc", "test acc"]
    )
    timer, num_batches = Timer(), len(train_iter)
    for epoch in range(num_epochs):
        metric = Accumulator(3)  # loss, right predictions, examples
        net.train()
        for i, (X, y) in enumerate(train_iter):
            timer.start()
            optimizer.zero_grad()
            X, y = X.to(device), y.to(device)
            y_hat = net(X)
            batch_loss = loss(y_hat, y)
            batch_loss.backward()
            optimizer.step()
            with torch.no_grad():
                metric.add(batch_loss * len(X), accuracy(y_hat, y), len(X))
            timer.stop()
            train_l, train_acc = metric[0] / metric[2], metric[1] / metric[2]
            if (i + 1) % max(1, num_batches // 5) == 0 or i == num_batches - 1:
                animator.add(epoch + (i + 1) / num_batches, (train_l, train_acc, None))
        test_acc = evaluate_accuracy_gpu(net, test_iter)
        animator.add(epoch + 1, (None, None, test_acc))
    print(  # noqa: T201
        f"loss {train_l:.3f}, train acc {train_acc:.3f}, test acc {test_acc:.3f}"
    )
    print(  # noqa: T201
        f"{metric[2] * num_epochs / timer.sum():.1f} examples/sec on {device!s}"
    )


def _materialise(net: nn.Module, train_iter: DataIterator) -> None:
    """Give lazy layers their weights, those that a network of full sizes begins with."""
    if not any(map(is_lazy, (*net.parameters(), *net.buffers()))):
        return
    with torch.random.fork_rng(devices=()):  # the weights take the numbers that the order would
        X, _ = next(iter(train_iter))
    net.eval()  # else the batch would count in a batch normalisation's statistics
    with torch.no_grad():
        net(X.to(device_of(net)))
