import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import PrefixStore  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

from lenet.errors import LenetError, LostProcessError, PeerError, SettingError
from lenet.training.peers._board import Board
from lenet.training.peers._gloo_loop import keep_loop_from_interrupting
from lenet.training.peers._group import Group
from lenet.training.peers._place import Place

TIMEOUT = "LENET_TIMEOUT"  # the environment variable
_DEFAULT_TIMEOUT = 60.0  # seconds
_PATIENCE_TO_JOIN = 300.0  # importing PyTorch from a slow disk takes its time
_PATIENCE_BEFORE_STEPS = 1800.0  # while data is read, on one machine perhaps for the first time


class TorchrunGroup(Group):
    """The processes that torchrun started on one machine or several.

    Tensors go by gloo on CPUs and by NCCL on GPUs. A process that does not answer within 60
    seconds, or as many as the environment variable `LENET_TIMEOUT` says, is taken for lost.

    Args:
        place: Where this process stands.

    Raises:
        LostProcessError: Not all processes came.
        SettingError: `LENET_TIMEOUT` is no number of seconds.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int
    board: Board

    def __init__(self, place: Place):
        self.place = place
        self.rank, self.size = place.rank, place.size
        self.local_rank, self.local_size = place.local_rank, place.local_size
        self._timeout = _read_timeout()
        join = timedelta(seconds=_PATIENCE_TO_JOIN)
        try:
            store, _, _ = next(rendezvous("env://", timeout=join))
        except RuntimeError as error:
            message = "The store of torchrun, through which processes find each other, is gone."
            raise LostProcessError(message) from error
        self._store = PrefixStore("lenet", store)
        self.board = Board(self._store, self.rank, self.size, self._timeout)
        self._hosts = self.board.gather(place.host, _PATIENCE_TO_JOIN)
        self._device: torch.device | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Do something that may fail in one process; then it fails in all."""
        failure: Exception | None = None
        try:
            yield
        except Exception as error:
            failure = error
        told = None if failure is None else _describe(failure)
        everyone = self.board.gather(told, _PATIENCE_BEFORE_STEPS)
        failed = [rank for rank, what in enumerate(everyone) if what is not None]
        if not failed:
            return
        if failure is not None and not (isinstance(failure, LenetError) and self.rank):
            raise failure
        first = failed[0]
        message, exit_code = everyone[first]
        if first != 0:
            message = f"In {self._name(first)}: {message}"
        elsewhere = PeerError(message)
        elsewhere.exit_code = exit_code
        raise elsewhere from failure

    def gather(self, value: Any) -> list[Any]:
        """What each process has to tell, in the order of their numbers."""
        return self.board.gather(value, _PATIENCE_BEFORE_STEPS)

    def connect(self, device: torch.device) -> None:
        """Let tensors go from process to process from now on."""
        if self._device is not None:
            return
        on_gpu = device.type == "cuda"
        try:
            dist.init_process_group(
                "nccl" if on_gpu else "gloo",
                store=self._store,
                rank=self.rank,
                world_size=self.size,
                timeout=timedelta(seconds=self._timeout),
                device_id=device if on_gpu else None,
            )
        except RuntimeError as error:
            raise self._lost(error) from error
        keep_loop_from_interrupting()
        self._device = device if on_gpu else torch.device("cpu")

    def add_up(self, tensor: Tensor) -> None:
        """Replace a tensor by its sum over all processes."""
        here = tensor.to(self._device)
        try:
            dist.all_reduce(here)
        except RuntimeError as error:
            raise self._lost(error) from error
        if here is not tensor:
            tensor.copy_(here)

    def send(self, content: bytes) -> bytes:
        """What the first process has sent, in all of them."""
        size = self.gather(len(content))[0]
        if self.is_first:
            numbers = torch.frombuffer(bytearray(content), dtype=torch.uint8).to(self._device)
        else:
            numbers = torch.empty(size, dtype=torch.uint8, device=self._device)
        try:
            dist.broadcast(numbers, 0)
        except RuntimeError as error:
            raise self._lost(error) from error
        return numbers.cpu().numpy().tobytes()

    def place_on(self, device: torch.device) -> torch.device:
        """This process's own device of a kind."""
        if device.type != "cuda":
            return device
        if self.local_size > torch.cuda.device_count():
            message = (
                f"{self.local_size} processes can't share {torch.cuda.device_count()} GPUs: give "
                "`torchrun` a smaller `--nproc-per-node`, or choose `--device cpu`."
            )
            raise SettingError(message)
        own = torch.device("cuda", self.local_rank)
        torch.cuda.set_device(own)
        return own

    def command(self, arguments: str) -> str:
        """The shell command that starts `lenet` on as many processes as these."""
        if self.size == self.local_size:
            return f"torchrun --nproc-per-node {self.size} -m lenet {arguments}"
        return f"torchrun … -m lenet {arguments}"

    def _name(self, rank: int) -> str:
        """A process by its number and machine."""
        return f"process {rank} of {self.size} ({self._hosts[rank]})"

    def _lost(self, error: Exception) -> LostProcessError:
        """What to say of a failed exchange between the processes."""
        other = self._name(1 - self.rank) if self.size == 2 else f"one of {self.size} processes"
        if "imed out" in str(error) or "imeout" in str(error):
            what = f"{other} did not answer for {self._timeout:g} s"
        else:
            what = f"{other} is gone"
        return LostProcessError(f"{what[0].upper()}{what[1:]}.")


def _describe(failure: Exception) -> list[Any]:
    """What another process can say of a failure: a message, and the exit code."""
    if isinstance(failure, LenetError):
        return [str(failure), failure.exit_code]
    return [f"{type(failure).__name__}: {failure}", LenetError.exit_code]


def _read_timeout() -> float:
    """Seconds to wait for another process in a step."""
    text = os.environ.get(TIMEOUT) or str(_DEFAULT_TIMEOUT)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 86400:
        message = f"`{TIMEOUT}` must be a number of seconds up to 86400, not `{text}`."
        raise SettingError(message)
    return seconds
