"""What becomes of a PyTorch that does otherwise than the compiled kernels rely on."""

import pytest

from compiled_kernels import needs_kernels
from forked_process import ForkedProcess

# Where lenet has not looked at PyTorch yet.
BREAK_AND_COMPUTE = """
import sys
import torch
from torch import nn
from torch.nn import functional as F
for name in [name for name in sys.modules if name.partition(".")[0] == "lenet"]:
    del sys.modules[name]
{breaking}
torch.__version__ = "9.9"
from lenet.errors import ModelError
from lenet.kernels import use_engine
from lenet.models import LeNet
network, images = LeNet(), torch.rand(2, 1, 28, 28)
with use_engine("torch"):
    expected = network(images)
print(torch.equal(network(images), expected), torch.equal(network(images), expected))
with use_engine("native"):
    try:
        network(images)
    except ModelError as error:
        print(error)
"""
DOES_NOT_FIT = "The compiled kernels do not fit PyTorch 9.9: "


@needs_kernels
@pytest.mark.parametrize(
    ("breaking", "reason"),
    [
        (
            "del torch._C._len_torch_dispatch_stack",
            "AttributeError: module 'torch._C' has no attribute '_len_torch_dispatch_stack'",
        ),
        (
            "torch._C._len_torch_dispatch_stack = lambda: 0",
            "it does not tell of a mode that sees operations",
        ),
        (
            "import contextlib\ntorch.autograd.forward_ad.dual_level = contextlib.nullcontext",
            "it does not tell of `torch.func`",
        ),
        (
            "nn.Module.register_forward_hook = nn.Module.register_state_dict_pre_hook",
            "it does not tell of the hooks of a layer or a gradient",
        ),
        (
            "nn.modules.module._global_backward_hooks = ()",
            "it does not tell of hooks of all modules",
        ),
        (
            "linear = F.linear\nF.linear = lambda *arguments: linear(*arguments) * 1.01",
            "they compute otherwise",
        ),
    ],
)
def test_pytorch_computes_and_a_line_says_why(breaking: str, reason: str) -> None:
    process = ForkedProcess(code=BREAK_AND_COMPUTE.format(breaking=breaking))
    said, told = process.communicate()
    assert said == f"True True\n`engine` can't be `native` here. {DOES_NOT_FIT}{reason}.\n", told
    assert told == f"{DOES_NOT_FIT}{reason}. PyTorch computes by itself.\n"


COUNT_AND_COMPUTE = """
import sys
import torch
from torch.utils.flop_counter import FlopCounterMode
for name in [name for name in sys.modules if name.partition(".")[0] == "lenet"]:
    del sys.modules[name]
from lenet.kernels import use_engine
from lenet.models import LeNet
network, images = LeNet(), torch.rand(2, 1, 28, 28)
counts = []
for _ in range(2):
    with FlopCounterMode(display=False) as counter:
        network(images)
    counts.append(counter.get_total_flops())
    with use_engine("native"):
        network(images)
print(counts[0] == counts[1] > 0)
"""


@needs_kernels
def test_the_comparison_waits_until_nobody_counts_operations() -> None:
    assert ForkedProcess(code=COUNT_AND_COMPUTE).communicate() == ("True\n", "")
