"""The tutorial's program, unchanged but for its import, wherever it may run."""

import os
import pty
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from forked_process import ForkedProcess
from lenet import d2l
from lenet.datasets import Dataset

# As the tutorial prints it; only the data, where the real files may be missing, is the test's.
NETWORK = """
import torch
from torch import nn
from lenet import d2l

net = nn.Sequential(
    nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(),
    nn.AvgPool2d(kernel_size=2, stride=2),
    nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(),
    nn.AvgPool2d(kernel_size=2, stride=2),
    nn.Flatten(),
    nn.Linear(16 * 5 * 5, 120), nn.Sigmoid(),
    nn.Linear(120, 84), nn.Sigmoid(),
    nn.Linear(84, 10))

X = torch.rand(size=(1, 1, 28, 28), dtype=torch.float32)
for layer in net:
    X = layer(X)
    print(layer.__class__.__name__,'output shape: \\t',X.shape)
"""
OWN_FUNCTIONS = """
def evaluate_accuracy_gpu(net, data_iter, device=None):
    if isinstance(net, nn.Module):
        net.eval()
        if not device:
            device = next(iter(net.parameters())).device
    metric = d2l.Accumulator(2)
    with torch.no_grad():
        for X, y in data_iter:
            if isinstance(X, list):
                X = [x.to(device) for x in X]
            else:
                X = X.to(device)
            y = y.to(device)
            metric.add(d2l.accuracy(net(X), y), y.numel())
    return metric[0] / metric[1]

def train_ch6(net, train_iter, test_iter, num_epochs, lr, device):
    def init_weights(m):
        if type(m) == nn.Linear or type(m) == nn.Conv2d:
            nn.init.xavier_uniform_(m.weight)
    net.apply(init_weights)
    print('training on', device)
    net.to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    loss = nn.CrossEntropyLoss()
    animator = d2l.Animator(xlabel='epoch', xlim=[1, num_epochs],
                            legend=['train loss', 'train acc', 'test acc'])
    timer, num_batches = d2l.Timer(), len(train_iter)
    for epoch in range(num_epochs):
        metric = d2l.Accumulator(3)
        net.train()
        for i, (X, y) in enumerate(train_iter):
            timer.start()
            optimizer.zero_grad()
            X, y = X.to(device), y.to(device)
            y_hat = net(X)
            l = loss(y_hat, y)
            l.backward()
            optimizer.step()
            with torch.no_grad():
                metric.add(l * X.shape[0], d2l.accuracy(y_hat, y), X.shape[0])
            timer.stop()
            train_l = metric[0] / metric[2]
            train_acc = metric[1] / metric[2]
            if (i + 1) % (num_batches // 5) == 0 or i == num_batches - 1:
                animator.add(epoch + (i + 1) / num_batches,
                             (train_l, train_acc, None))
        test_acc = evaluate_accuracy_gpu(net, test_iter)
        animator.add(epoch + 1, (None, None, test_acc))
    print(f'loss {train_l:.3f}, train acc {train_acc:.3f}, '
          f'test acc {test_acc:.3f}')
    print(f'{metric[2] * num_epochs / timer.sum():.1f} examples/sec '
          f'on {str(device)}')
"""
SMALL_DATA = """
from lenet.d2l._data import BatchIterator
from lenet.datasets import Batches, load_dataset
digits = load_dataset("digits")
train_iter = BatchIterator(Batches(digits.train, 64, shuffle=True), None)
test_iter = BatchIterator(Batches(digits.test, 64), None)
lr, num_epochs = 0.9, 2
"""
OWN_CALL = "train_ch6(net, train_iter, test_iter, num_epochs, lr, d2l.try_gpu())\n"
SHOW = "d2l.plt.show()\nd2l.plt.savefig('curve.png')\n"

WITH_D2LS_FUNCTIONS = "d2l." + OWN_CALL + SHOW
WITH_BOTH = OWN_FUNCTIONS + OWN_CALL + SHOW.replace("curve", "own") + WITH_D2LS_FUNCTIONS
CLOSING_LINES = (
    r"loss \d\.\d{3}, train acc \d\.\d{3}, test acc \d\.\d{3}\r?\n"
    r"\d+\.\d examples/sec on (cpu|cuda:0)"
)


@pytest.fixture(autouse=True)
def _headless(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a login over ssh: no display."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND"):
        monkeypatch.delenv(name, raising=False)


def test_the_tutorials_program_runs_as_a_script_without_a_display() -> None:
    of_pytorch_26 = "ignore:Implicitly cleaning up:ResourceWarning"
    program = NETWORK + SMALL_DATA + WITH_BOTH
    process = subprocess.run(
        [sys.executable, "-W", "error", "-W", of_pytorch_26, "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    network, own, d2ls = process.stdout.split("training on ")
    assert "Conv2d output shape: \t torch.Size([1, 6, 28, 28])" in network
    for said, curve in ((own, "own.png"), (d2ls, "curve.png")):
        assert re.search(CLOSING_LINES + r"\n$", said)
        with Image.open(curve) as picture:
            assert picture.size == (350, 250)


INTO_TERMINAL = """
import sys
sys.stdout = sys.stderr = open({name!r}, "w", encoding="utf-8")
"""


def test_in_a_terminal_the_curve_is_drawn_out_of_characters() -> None:
    main, side = pty.openpty()
    program = INTO_TERMINAL.format(name=os.ttyname(side)) + NETWORK + SMALL_DATA
    process = ForkedProcess(
        code=program + WITH_D2LS_FUNCTIONS, environment={"TERM": "xterm-256color"}
    )
    with ThreadPoolExecutor(1) as pool:
        output = pool.submit(read_terminal, main)
        said = process.communicate()
        os.close(side)  # after the program's own end: now there is no more to come
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output.result().decode())
    os.close(main)
    assert (process.returncode, said) == (0, ("", "")), text
    assert re.search("[\u2801-\u28ff]", text)
    for name in ("train loss", "train acc", "test acc"):
        assert name in text
    assert re.search(CLOSING_LINES + r"\s*$", text), "they stand below the picture"


def read_terminal(main: int) -> bytes:
    """All that is written to a terminal until its other side is closed."""
    output = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # the other side has closed
            return output
        if not piece:
            return output
        output += piece


CHINESE = """
import warnings
warnings.simplefilter('error')
animator = d2l.Animator(xlabel='轮次', xlim=[1, 2], legend=['训练损失'])
animator.add(1, [0.5]); animator.add(2, [0.25])
"""


def test_in_a_notebook_the_picture_grows_in_its_cell_also_with_chinese_names() -> None:
    import nbformat
    from nbclient import NotebookClient

    train = "import lenet\nlenet.train(dataset='digits', epochs=2, runs_folder='r').status"
    own, d2ls = OWN_CALL, "d2l." + OWN_CALL
    sources = (NETWORK + SMALL_DATA, OWN_FUNCTIONS, own, d2ls, train, CHINESE)
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    *grown, chinese = notebook.cells[2:]
    for cell in grown:
        pictures = [output for output in cell.outputs if output.output_type == "display_data"]
        assert len(pictures) == 1, "one picture, which is replaced as it grows"
        assert {"image/png", "image/svg+xml"} & set(pictures[0].data)
        text = "".join(o.text for o in cell.outputs if o.output_type == "stream")
        assert "examples/sec on" in text
    shown = [output for output in chinese.outputs if "data" in output]
    assert [sorted(output.data) for output in shown] == [["image/svg+xml", "text/plain"]]
    said = "".join(output.text for output in chinese.outputs if "text" in output)
    assert not said or "apt-get install fonts-noto-cjk" in said, "where there is no such font"


@pytest.mark.fashion_mnist
def test_the_tutorials_data_and_loop_on_the_real_images(fashion_mnist: Dataset) -> None:
    torch.manual_seed(0)
    train_iter, test_iter = d2l.load_data_fashion_mnist(batch_size=256)
    assert (len(train_iter), len(test_iter)) == (235, 40)
    images, labels = next(iter(train_iter))
    assert (images.shape, images.dtype) == (torch.Size([256, 1, 28, 28]), torch.float32)
    assert (labels.shape, labels.dtype) == (torch.Size([256]), torch.int64)
    assert (float(images.min()), float(images.max())) == (0.0, 1.0)
    again, _ = next(iter(train_iter))
    assert not torch.equal(images, again), "a new order each time"
    torch.manual_seed(0)
    once_more, _ = next(iter(train_iter))
    assert torch.equal(images, once_more), "decided by torch.manual_seed"
    first, _ = next(iter(test_iter))
    expected = fashion_mnist.test.images[:256].astype(np.float32) / 255
    np.testing.assert_array_equal(first.numpy(), expected)


@pytest.mark.fashion_mnist
def test_images_are_resized_as_pillow_does(fashion_mnist: Dataset) -> None:
    _, test_iter = d2l.load_data_fashion_mnist(4, resize=96)
    images, _ = next(iter(test_iter))
    assert images.shape == (4, 1, 96, 96)
    for image, original in zip(images, fashion_mnist.test.images, strict=False):
        resized = Image.fromarray(original[0]).resize((96, 96), Image.Resampling.BILINEAR)
        np.testing.assert_allclose(image[0].numpy() * 255, np.asarray(resized), atol=1.0)
    _, test_iter = d2l.load_data_fashion_mnist(4, resize=(32, 40))
    assert next(iter(test_iter))[0].shape == (4, 1, 32, 40)


def test_accuracy_counts_the_right_ones() -> None:
    scores = torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])
    assert d2l.accuracy(scores, torch.tensor([0, 2])) == 1.0
    assert d2l.accuracy(torch.tensor([0, 2]), torch.tensor([0, 2])) == 2.0
    assert d2l.size(scores) == 6


def test_evaluation_takes_lists_of_tensors_and_plain_functions() -> None:
    class Pair(nn.Module):
        """A network of two inputs."""

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2)
            self.drop = nn.Dropout(0.999)

        def forward(self, inputs: list[torch.Tensor]) -> torch.Tensor:
            return inputs[0] + inputs[1] + 0 * self.drop(self.layer(inputs[0]))

    a, b = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 3.0]])
    net = Pair()
    assert d2l.evaluate_accuracy_gpu(net, [([a, b], torch.tensor([1]))]) == 1.0
    assert not net.training
    assert (
        d2l.evaluate_accuracy(lambda X: X, [(a, torch.tensor([0])), (a, torch.tensor([1]))]) == 0.5
    )


def test_the_timer_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 1.0, 3.0, 10.0, 14.0])
    monkeypatch.setattr(time, "time", lambda: next(ticks))
    timer = d2l.Timer()
    timer.start()
    assert timer.stop() == 2.0
    timer.start()
    assert timer.stop() == 4.0
    assert (timer.sum(), timer.avg(), timer.cumsum()) == (6.0, 3.0, [2.0, 6.0])


def test_the_accumulator_adds_up() -> None:
    metric = d2l.Accumulator(3)
    metric.add(1, torch.tensor(2.5), 3)
    metric.add(1, 2, 3)
    assert [metric[index] for index in range(3)] == [2.0, 4.5, 6.0]
    metric.reset()
    assert metric[0] == 0.0


def test_the_animator_takes_numbers_and_sequences() -> None:
    animator = d2l.Animator(xlabel="epoch", legend=["a", "b"], xlim=[0, 3], ylim=[0, 1])
    animator.add(1, (0.5, None))
    animator.add(2, (0.25, 0.75))
    animator.add(3, [None, 1])
    assert (animator.X, animator.Y) == ([[1, 2], [2, 3]], [[0.5, 0.25], [0.75, 1]])
    assert len(animator.axes[0].get_lines()) == 2
    assert animator.axes[0].get_xlabel() == "epoch"
    single = d2l.Animator()
    single.add(1, 5)
    assert (single.X, single.Y) == ([[1]], [[5]])
    d2l.plt.close("all")


def test_without_a_gpu_the_cpu_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert d2l.try_gpu() == torch.device("cpu")
    assert d2l.try_all_gpus() == [torch.device("cpu")]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert d2l.try_gpu(1) == torch.device("cuda:1")
    assert d2l.try_gpu(2) == torch.device("cpu")
    assert d2l.try_all_gpus() == [torch.device("cuda:0"), torch.device("cuda:1")]


def lenet_of_the_tutorial(*, lazy: bool) -> nn.Sequential:
    """With batch normalisation, whose statistics must not change before the training."""
    convolution = nn.LazyConv2d if lazy else lambda *sizes, **more: nn.Conv2d(1, *sizes, **more)
    dense = nn.LazyLinear if lazy else lambda outputs: nn.Linear(6 * 12 * 12, outputs)
    norm = nn.LazyBatchNorm2d() if lazy else nn.BatchNorm2d(6)
    layers = [convolution(6, kernel_size=5), norm, nn.AvgPool2d(2), nn.Flatten(), dense(10)]
    return nn.Sequential(*layers)


@pytest.mark.usefixtures("small_fashion_mnist")
def test_lazy_layers_begin_and_train_as_those_of_full_sizes() -> None:
    states = []
    for lazy in (False, True):
        torch.manual_seed(0)
        net = lenet_of_the_tutorial(lazy=lazy)
        d2l.train_ch6(net, *d2l.load_data_fashion_mnist(60), 1, 0.1, "cpu")
        states.append(net.state_dict())
    torch.testing.assert_close(*states, rtol=0, atol=0)
    assert states[0]["1.num_batches_tracked"] == 5


@pytest.mark.parametrize("sizes", [(1, 1), (2, 3), (3, 1), (5, 7)])
def test_corr2d_is_scipys_correlation(sizes: tuple[int, int]) -> None:
    from scipy.signal import correlate2d

    X, K = torch.rand(6, 8, dtype=torch.float64), torch.rand(*sizes, dtype=torch.float64)
    np.testing.assert_allclose(d2l.corr2d(X, K), correlate2d(X, K, mode="valid"))
    whole = d2l.corr2d(X.mul(9).int(), K.mul(9).int())
    assert whole.dtype == torch.float32
    np.testing.assert_array_equal(
        whole, correlate2d(X.mul(9).int(), K.mul(9).int(), mode="valid").astype(np.float32)
    )


def test_corr2d_lets_a_kernel_be_learnt() -> None:
    X = torch.rand(6, 8)
    kernels = [torch.ones(2, 3, requires_grad=True) for _ in range(2)]
    (d2l.corr2d(X, kernels[0]) ** 2).sum().backward()
    (nn.functional.conv2d(X[None, None], kernels[1][None, None]) ** 2).sum().backward()
    torch.testing.assert_close(kernels[0].grad, kernels[1].grad)


def test_the_books_names_for_pytorchs_functions() -> None:
    X = d2l.reshape(d2l.arange(6, dtype=d2l.float32), (2, 3))
    assert torch.equal(d2l.reduce_sum(X, 0, keepdim=True), torch.tensor([[3.0, 5.0, 7.0]]))
    assert d2l.numpy(d2l.ones(2, requires_grad=True)).tolist() == [1.0, 1.0]
    assert d2l.astype(d2l.argmax(X, axis=1), torch.int32).tolist() == [2, 2]
    assert d2l.concat((X, d2l.zeros((1, 3)))).shape == (3, 3)
    assert torch.equal(d2l.transpose(X), X.T)
    assert d2l.reduce_mean(d2l.to(X, torch.float64)) == 2.5


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Trainer", "English edition.*`d2l.train_ch6`"),
        ("LeNet", "`lenet.LeNet.*`d2l.train_ch6`"),
        ("FashionMNIST", "`d2l.load_data_fashion_mnist"),
        ("gpu", "`d2l.try_gpu`"),
        ("download", "section 4.10"),
        ("train_ch5", "Did you mean `train_ch"),
        ("show_image", "Did you mean `show_images`"),
        ("Vocab", "no `Vocab`. It has what chapters 3 to 7"),
    ],
)
def test_a_name_that_is_not_there_says_what_to_use(name: str, said: str) -> None:
    with pytest.raises(AttributeError, match=said):
        getattr(d2l, name)
    assert not hasattr(d2l, name)
