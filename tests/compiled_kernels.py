"""The mark of tests that need the compiled kernels."""

import pytest

from lenet.kernels import kernel_status

needs_kernels = pytest.mark.skipif(
    kernel_status().reason is not None, reason=f"no kernels: {kernel_status().reason}"
)
