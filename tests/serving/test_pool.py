"""Workers that break, hang or do not start, and what that costs whom."""

import asyncio
import json
import os
import signal
import struct
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lenet.errors import ModelFileError

# The pool by itself, with workers that misbehave.
from lenet.serving._messages import Answer, Job, Question
from lenet.serving._pool import (
    BusyError,
    PictureTakesTooLongError,
    WorkerBrokeError,
    WorkerKilledError,
    WorkerPool,
)

T = TypeVar("T")
Answers = list[bytes | type[BaseException]]
ODD_WORKER = sys.executable, str(Path(__file__).with_name("odd_worker.py"))
LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop]
try:
    import uvloop

    LOOPS.append(uvloop.new_event_loop)
except ImportError:
    pass


def run(
    work: Callable[[WorkerPool], Coroutine[Any, Any, T]],
    *,
    count: int = 2,
    queue: int = 100,
    timeout: float = 20,
    told: str = "",
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = LOOPS[-1],
    sizes: list[int] | None = None,
) -> T:
    """Do something with a pool of odd workers."""

    async def main() -> T:
        note = (lambda size: None) if sizes is None else sizes.append
        pool = WorkerPool(told, count, queue, timeout, note, ODD_WORKER)
        try:
            await pool.start()
            return await work(pool)
        finally:
            await pool.close()
            assert not pool.places

    loop = loop_factory()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


async def ask(pool: WorkerPool, *bodies: bytes) -> Answers:
    """What comes back for bodies that are sent at once: what was sent, or the error's class."""
    jobs = [Job(Question(0), "picture", b"", body) for body in bodies]
    asked: list[Awaitable[Answer]] = [pool.ask(job) for job in jobs]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    return [one.body if isinstance(one, Answer) else type(one) for one in answers]


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that comes soon."""

    async def wait() -> None:
        while not holds():
            await asyncio.sleep(0)

    await asyncio.wait_for(wait(), 60)


async def ask_while_they_stand(pool: WorkerPool) -> "asyncio.Task[Answers]":
    """Give all workers something to do, and let them stand still with it."""
    number = len(pool.places)
    signal_all(pool, signal.SIGSTOP)
    first = asyncio.create_task(ask(pool, *[b"first"] * number))
    await until(lambda: pool.busy >= number)
    return first


def signal_all(pool: WorkerPool, number: int) -> None:
    """Send a signal to all workers."""
    for worker in list(pool.places.values()):
        os.kill(worker, number)


@pytest.mark.parametrize("loop_factory", LOOPS)
def test_answers_come_back_to_those_who_asked(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    bodies = [str(number).encode() * (number**2 + 1) for number in range(90)]
    assert run(lambda pool: ask(pool, *bodies), loop_factory=loop_factory) == bodies


def test_what_waits_while_workers_are_busy_goes_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lenet.serving._pool._MOST_SECONDS_IN_BATCH", 1e9)
    sizes: list[int] = []
    bodies = [str(number).encode() for number in range(20)]

    async def work(pool: WorkerPool) -> Answers:
        first = await ask_while_they_stand(pool)
        rest = asyncio.create_task(ask(pool, *bodies))
        await until(lambda: pool.waiting >= 20)
        signal_all(pool, signal.SIGCONT)
        return [*await first, *await rest]

    assert run(work, count=1, sizes=sizes) == [b"first", *bodies]
    assert sizes == [1, 16, 4]


def test_a_picture_that_breaks_its_worker_costs_others_nothing() -> None:
    bodies = [b"a", b"b", b"die", b"c", b"d"]

    async def work(pool: WorkerPool) -> Answers:
        answers = await ask(pool, *bodies)
        assert pool.restarts == 2, "with the others and alone"
        return answers + await ask(pool, b"after")

    expected = [b"a", b"b", WorkerBrokeError, b"c", b"d", b"after"]
    assert run(work, count=1) == expected


def test_a_picture_that_takes_too_long_costs_others_time_alone() -> None:
    answers = run(lambda pool: ask(pool, b"a", b"hang", b"b"), count=1, timeout=0.5)
    assert answers == [b"a", PictureTakesTooLongError, b"b"]


@settings(max_examples=4, deadline=None)
@given(st.lists(st.sampled_from([b"a", b"bb", b"die"]), min_size=3, max_size=8))
def test_only_pictures_that_break_workers_are_refused(bodies: list[bytes]) -> None:
    expected = [WorkerBrokeError if body == b"die" else body for body in bodies]
    assert run(lambda pool: ask(pool, *bodies)) == expected


def test_a_killed_worker_is_replaced_and_its_pictures_are_looked_at_again() -> None:
    async def work(pool: WorkerPool) -> Answers:
        before = list(pool.places.values())
        first = await ask_while_they_stand(pool)
        another = asyncio.create_task(ask(pool, b"x"))
        await until(lambda: pool.waiting > 0)
        signal_all(pool, signal.SIGKILL)
        answers = [*await first, *await another]
        assert set(pool.places.values()).isdisjoint(before)
        assert pool.restarts == 2
        return answers

    assert run(work) == [b"first", b"first", b"x"]


def test_pictures_are_not_blamed_for_workers_that_are_killed() -> None:
    bodies = [b"a", b"killed", b"die", b"b"]
    expected = [b"a", WorkerKilledError, WorkerBrokeError, b"b"]
    assert run(lambda pool: ask(pool, *bodies), count=1) == expected


def test_workers_inherit_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgresql://me:secret@example.org/trials"
    secrets = {"LENET_API_KEY": "k", "hf_token": "t", "DB_PASSWORD": "p", "TRIALS": address}
    for name, value in {**secrets, "LENET_INSTRUCTIONS": "plain"}.items():
        monkeypatch.setenv(name, value)
    (told,) = run(lambda pool: ask(pool, b"environment"), count=1)
    assert isinstance(told, bytes)
    variables = json.loads(told)
    assert variables.keys().isdisjoint(secrets)
    assert (variables["LENET_INSTRUCTIONS"], variables["PATH"]) == ("plain", os.environ["PATH"])


def test_who_takes_the_place_of_a_killed_worker_has_its_number() -> None:
    async def work(pool: WorkerPool) -> None:
        before = pool.places
        os.kill(before[1], signal.SIGKILL)
        while pool.places == before or len(pool.places) < 2:
            assert pool.places.get(2) == before[2]
            await asyncio.sleep(0.01)
        assert pool.places == {1: pool.places[1], 2: before[2]}

    run(work)


def test_a_full_queue_refuses_more() -> None:
    async def work(pool: WorkerPool) -> Answers:
        first = await ask_while_they_stand(pool)
        others = asyncio.create_task(ask(pool, b"1", b"2", b"3", b"4"))
        await until(lambda: pool.waiting >= 3)
        signal_all(pool, signal.SIGCONT)
        return [*await first, *await others]

    expected = [b"first", b"1", b"2", b"3", BusyError]
    assert run(work, count=1, queue=3) == expected


def test_what_waits_longer_than_is_allowed_is_refused() -> None:
    async def work(pool: WorkerPool) -> Answers:
        first = asyncio.create_task(ask(pool, b"hang"))
        await until(lambda: pool.busy > 0)
        return [*await ask(pool, b"a"), *await first]

    assert run(work, count=1, timeout=0.3) == [BusyError, PictureTakesTooLongError]


def test_a_client_that_has_gone_is_not_worked_for() -> None:
    sizes: list[int] = []

    async def work(pool: WorkerPool) -> None:
        first = await ask_while_they_stand(pool)
        gone = asyncio.create_task(ask(pool, b"1", b"2"))
        await until(lambda: pool.waiting >= 2)
        gone.cancel()
        signal_all(pool, signal.SIGCONT)
        await first
        await ask(pool, b"3")

    run(work, count=1, sizes=sizes)
    assert sizes == [1, 1]


def test_what_can_not_be_sent_costs_others_nothing() -> None:
    async def work(pool: WorkerPool) -> Answers:
        impossible = pool.ask(Job(Question(70_000), "picture", b"", b"a"))
        with pytest.raises(struct.error):
            await impossible
        return await ask(pool, b"b")

    assert run(work, count=1) == [b"b"]


def test_nothing_waits_for_ever_when_no_worker_can_start(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lenet.serving._pool._MOST_PAUSE", 0.2)

    async def work(pool: WorkerPool) -> Answers:
        pool._command[-1] = "refuse"
        asked = asyncio.create_task(ask(pool, b"die", b"a"))
        await asyncio.sleep(0)
        await until(lambda: not pool.waiting)  # with the worker: nobody looks after the queue
        if pool._looking:
            pool._looking.cancel()
            pool._looking = None
        return await asked + await ask(pool, b"b")

    assert run(work, count=1, timeout=0.3) == [BusyError, BusyError, BusyError]
    assert "Error: No such model.\n" in capfd.readouterr().err


def test_what_a_worker_needs_is_put_right_before_another_starts() -> None:
    calls: list[str] = []

    async def work(pool: WorkerPool) -> Answers:
        pool._before_restart = lambda: calls.append("restored")
        assert calls == []
        return await ask(pool, b"die")

    assert run(work, count=1) == [WorkerBrokeError]
    assert calls
    assert set(calls) == {"restored"}


def test_another_worker_takes_what_a_broken_one_had() -> None:
    async def work(pool: WorkerPool) -> Answers:
        pool._command[-1] = "refuse"  # so that none comes back
        return await ask(pool, b"sleep", b"die")

    assert run(work) == [b"sleep", WorkerBrokeError]


def test_slow_requests_do_not_wait_for_each_other_in_a_batch() -> None:
    sizes: list[int] = []

    async def work(pool: WorkerPool) -> None:
        await ask(pool, b"sleep")
        await ask(pool, *[str(number).encode() for number in range(9)])

    run(work, count=1, sizes=sizes)
    assert sizes[0] == 1
    assert sizes[1] <= 5


def test_those_who_left_take_no_room_in_the_queue() -> None:
    async def work(pool: WorkerPool) -> Answers:
        first = await ask_while_they_stand(pool)
        for gone in [pool.ask(Job(Question(0), "picture", b"", b"x")) for _ in range(3)]:
            gone.cancel()
        another = asyncio.create_task(ask(pool, b"1"))
        await asyncio.sleep(0)  # it is refused, or waits
        signal_all(pool, signal.SIGCONT)
        return [*await another, *await first]

    assert run(work, count=1, queue=3) == [b"1", b"first"]


@pytest.mark.parametrize(
    ("told", "fragment"),
    [("refuse", "No such model."), ("die", "ended before it had started")],
)
def test_workers_that_do_not_start_are_one_error(told: str, fragment: str) -> None:
    async def work(pool: WorkerPool) -> None:
        raise AssertionError

    with pytest.raises(ModelFileError, match=fragment):
        run(work, told=told)
