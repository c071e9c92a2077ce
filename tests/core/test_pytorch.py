"""Whether PyTorch is there: a folder of its name is none, and a broken one is said to be broken."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
from lenet.core import has_torch, require_torch
from lenet.errors import MissingExtraError
print(has_torch())
try:
    require_torch("This")
except MissingExtraError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "False\nThis needs torch: `"),
        ("raise OSError('libcudart.so.12: no such file')", "can't be imported (OSError: libcuda"),
        ("raise ImportError('undefined symbol')", "can't be imported (ImportError: undefined"),
    ],
)
def test_what_is_no_pytorch_is_said_to_be_none(
    content: str | None, said: str, tmp_path: Path
) -> None:
    folder = tmp_path / "torch"
    folder.mkdir()
    if content is not None:
        (folder / "__init__.py").write_text(content)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{CODE}"
    if content is None:  # a real one comes before a mere folder, so that it has to be hidden
        code = f"import importlib.util as u\n{code}".replace(
            "print(has_torch())",
            "import lenet.core._pytorch as p\n"
            "p.find_spec = lambda name: u.spec_from_loader(name, None, is_package=True)\n"
            "print(has_torch())",
        )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert said in told.stdout
