import torch
from torch import Tensor, nn

from lenet.doctor._finding import Finding
from lenet.kernels import KernelChoice, kernel_status, use_kernels
from lenet.models import LeNetConfig, build_model

_LARGEST_DIFFERENCE = 1e-4  # relative; rounding alone stays far below
_LAST_LINES = 3


def find_kernels() -> Finding:
    """Which compiled kernels there are, or why there are none."""
    status = kernel_status()
    if status.reason is None:
        text = f"compiled for {status.instructions}, {status.lanes} images in a vector"
        return Finding("kernels", "ok", text)
    advice = (
        "PyTorch does the work, several times slower on a CPU. With a C++17 compiler (`g++` or "
        "`clang++`) on the path, install lenet again: `pip install --force-reinstall --no-deps "
        "--no-cache-dir`, then what you installed it from."
    )
    if log := status.build_log.splitlines()[-_LAST_LINES:]:
        advice += " The build said: " + " / ".join(log)
    if "LENET_INSTRUCTIONS" in status.reason:
        advice = "Unset `LENET_INSTRUCTIONS` for the best that there are."
    return Finding("kernels", "note", f"none. {status.reason}", advice)


def check_kernel_results() -> Finding:
    """Whether the kernels and PyTorch agree on a small batch, forward and backward."""
    if kernel_status().reason is not None:
        return Finding("results", "ok", "PyTorch's own")
    torch_numbers, native_numbers = _numbers("torch"), _numbers("native")
    difference = max(
        float((ours - theirs).norm() / theirs.norm())
        for ours, theirs in zip(native_numbers, torch_numbers, strict=True)
    )
    text = f"kernels and PyTorch differ by {difference:.0e} of a gradient or less"
    if difference <= _LARGEST_DIFFERENCE:
        return Finding("results", "ok", text)
    advice = "Use `--kernels torch`, and please report this, with the whole output."
    return Finding("results", "wrong", text, advice)


def _numbers(kernels: KernelChoice) -> list[Tensor]:
    """Logits and gradients of the tutorial's network."""
    network = build_model(LeNetConfig(), seed=0)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(33, 1, 28, 28, generator=generator)
    labels = torch.randint(10, (33,), generator=generator)
    with use_kernels(kernels):
        logits = network(images)
        loss = nn.functional.cross_entropy(logits, labels)
        return [logits.detach(), *torch.autograd.grad(loss, list(network.parameters()))]
