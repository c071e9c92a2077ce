"""The processes that torchrun started, and how they tell each other things."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

from lenet.errors import LenetError, LostProcessError, PeerError, SettingError
from lenet.training.peers._group import Group, Place

TIMEOUT = "LENET_TIMEOUT"  # the environment variable
_DEFAULT_TIMEOUT = 60.0  # seconds
_PATIENCE_TO_JOIN = 300.0  # importing PyTorch from a slow disk takes its time
_PATIENCE_BEFORE_STEPS = 1800.0  # while data is read, on one machine perhaps for the first time
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.1  # seconds between two looks at the store
_GLOO_THREAD = "gloo_tcp_loop"  # as PyTorch 2.13 names it
_THREADS = Path("/proc/self/task")

Answer = TypeVar("Answer")


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
    messages: "MessageStore"

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
        self.messages = MessageStore(self._store, self.rank, self.size, self._timeout)
        self._hosts = self.messages.gather(place.host, _PATIENCE_TO_JOIN)
        self._device: torch.device | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        failure: Exception | None = None
        try:
            yield
        except Exception as error:
            failure = error
        told = None if failure is None else _describe(failure)
        everyone = self.messages.gather(told, _PATIENCE_BEFORE_STEPS)
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
        return self.messages.gather(value, _PATIENCE_BEFORE_STEPS)

    def connect(self, device: str) -> None:
        if self._device is not None:
            return
        on_gpu = device.startswith("cuda")
        with self._exchange():
            dist.init_process_group(
                "nccl" if on_gpu else "gloo",
                store=self._store,
                rank=self.rank,
                world_size=self.size,
                timeout=timedelta(seconds=self._timeout),
                device_id=torch.device(device) if on_gpu else None,
            )
        _keep_gloo_from_interrupting()
        self._device = torch.device(device if on_gpu else "cpu")

    def add_up(self, tensor: Tensor) -> None:
        here = tensor.to(self._device)
        with self._exchange():
            dist.all_reduce(here)
        if here is not tensor:
            tensor.copy_(here)

    def send(self, content: bytes) -> bytes:
        size = self.gather(len(content))[0]
        if self.is_first:
            numbers = torch.frombuffer(bytearray(content), dtype=torch.uint8).to(self._device)
        else:
            numbers = torch.empty(size, dtype=torch.uint8, device=self._device)
        with self._exchange():
            dist.broadcast(numbers, 0)
        return numbers.cpu().numpy().tobytes()

    def place_on(self, device: str) -> str:
        if not device.startswith("cuda"):
            return device
        if self.local_size > torch.cuda.device_count():
            message = (
                f"{self.local_size} processes can't share {torch.cuda.device_count()} GPUs: give "
                "`torchrun` a smaller `--nproc-per-node`, or choose `--device cpu`."
            )
            raise SettingError(message)
        torch.cuda.set_device(self.local_rank)
        return f"cuda:{self.local_rank}"

    def command(self, arguments: str) -> str:
        if self.size == self.local_size:
            return f"torchrun --nproc-per-node {self.size} -m lenet {arguments}"
        return f"torchrun … -m lenet {arguments}"

    def _name(self, rank: int) -> str:
        return f"process {rank} of {self.size} ({self._hosts[rank]})"

    @contextmanager
    def _exchange(self) -> Iterator[None]:
        """Say who is lost where an exchange between the processes fails."""
        try:
            yield
        except RuntimeError as error:
            other = self._name(1 - self.rank) if self.size == 2 else f"one of {self.size} processes"
            is_late = "imed out" in str(error) or "imeout" in str(error)
            what = f"did not answer for {self._timeout:g} s" if is_late else "is gone"
            message = f"{other[0].upper()}{other[1:]} {what}."
            raise LostProcessError(message) from error


class MessageStore:
    """Short messages between processes, through the key-value store that torchrun keeps for them.

    A wait looks at the store again and again, so that signals are answered meanwhile. A store that
    does not answer for as many seconds as `timeout` is taken for lost.
    """

    def __init__(self, store: Store, rank: int, size: int, timeout: float):
        self._store, self._rank, self._size = store, rank, size
        self._timeout, self._is_lost = timeout, False
        self._rounds = 0

    def gather(self, value: Any, patience: float) -> list[Any]:
        """What each process has to tell in this round, as JSON can hold it.

        Raises:
            LostProcessError: One did not come in so many seconds, or the store is gone.
        """
        self._rounds += 1
        self._set(f"{self._rounds}/{self._rank}", json.dumps(value), self._timeout)
        deadline = time.monotonic() + patience
        found = []
        for rank in range(self._size):
            content = self._read(f"{self._rounds}/{rank}", deadline)
            if content is None:
                message = f"Process {rank} of {self._size} did not come within {patience:g} s."
                raise LostProcessError(message)
            found.append(json.loads(content))
        return found

    def set_flag(self, name: str, patience: float) -> None:
        """Set a flag for all to see, if the store can be reached within so many seconds."""
        try:
            self._set(name, "1", patience)
        except LostProcessError:
            return

    def has_flag(self, name: str, patience: float) -> bool:
        """Whether a flag is set within so many seconds."""
        try:
            return self._read(name, time.monotonic() + patience) is not None
        except LostProcessError:
            return False

    def _set(self, name: str, content: str, patience: float) -> None:
        self._ask(lambda: self._store.set(name, content), patience)

    def _read(self, name: str, deadline: float) -> bytes | None:
        """What stands under a name, or nothing if it is not there in time."""
        pause = _FIRST_PAUSE
        while not self._ask(lambda: self._store.check([name]), deadline - time.monotonic()):
            if time.monotonic() > deadline:
                return None
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return self._ask(lambda: self._store.get(name), self._timeout)

    def _ask(self, question: Callable[[], Answer], patience: float) -> Answer:
        """Ask the store in a thread, as it waits for ever where the network was cut."""
        answers: list[Answer] = []

        def ask() -> None:
            try:
                answers.append(question())
            except RuntimeError:
                return

        if not self._is_lost:
            thread = threading.Thread(target=ask, daemon=True)
            thread.start()
            thread.join(min(max(patience, 1.0), self._timeout))
        if not answers:
            self._is_lost = True
            message = "The store of torchrun, through which processes find each other, is gone."
            raise LostProcessError(message)
        return answers[0]


def _keep_gloo_from_interrupting() -> None:
    """Let gloo's network thread wait for a core, instead of taking one from the thread it serves.

    The thread that sends holds its connection's lock. Data that come in meanwhile wake the network
    thread; where it takes the sender's core, it finds the lock held and asks again without a pause
    (`gloo/transport/tcp/pair.cc`, `Pair::handleEvents`) until its time slice is over, 3 or 4 ms. A
    process for each core makes that frequent. Linux lets a thread of the class `SCHED_BATCH`
    interrupt no other. On other systems, and where threads have other names, this does nothing.
    """
    if not hasattr(os, "SCHED_BATCH") or not _THREADS.is_dir():
        return
    for thread in _THREADS.iterdir():
        with suppress(OSError):  # a thread that is gone by now, or a sandbox that forbids it
            if (thread / "comm").read_text().startswith(_GLOO_THREAD):
                os.sched_setscheduler(int(thread.name), os.SCHED_BATCH, os.sched_param(0))


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
