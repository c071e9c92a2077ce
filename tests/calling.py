"""Calling `lenet` as a person does."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

import pytest

from forked_process import ForkedProcess
from lenet.cli import main


class Answer(NamedTuple):
    """What a command printed."""

    stdout: str
    stderr: str


def call(*arguments: str, code: int = 0) -> Answer:
    """Run `lenet` in this process, which has PyTorch imported already, and check its exit code."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(stdout), redirect_stderr(stderr):
        patch.setattr(sys, "argv", ["lenet", *arguments])
        patch.setenv("COLUMNS", "200")
        with pytest.raises((SystemExit, KeyboardInterrupt)) as leave:
            main()
    # A process that ends by this exception dies of Ctrl-C, for which a shell says 130.
    found = leave.value.code if isinstance(leave.value, SystemExit) else 130
    assert found == code, stderr.getvalue()
    return Answer(stdout.getvalue(), stderr.getvalue())


def call_alone(*arguments: str, code: int = 0) -> Answer:
    """Run `lenet` in a process of its own and check its exit code."""
    process = ForkedProcess(*arguments)
    output, errors = process.communicate()
    assert process.returncode == code, errors
    return Answer(output, errors)
