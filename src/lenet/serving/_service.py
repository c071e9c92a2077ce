"""The parts of a service put together, from its start to its end."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from types import FrameType

import uvicorn
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from lenet.errors import LenetError
from lenet.serving._connections import (
    KEEP_ALIVE_SECONDS,
    Connection,
    most_connections,
    sweep,
)
from lenet.serving._gate import Gate
from lenet.serving._metrics import Metrics, process_metrics
from lenet.serving._models import ServedModel
from lenet.serving._pages import PlaygroundPage
from lenet.serving._pool import WorkerPool
from lenet.serving._predict_route import PredictRoute
from lenet.serving._routes import Shown, build_routes
from lenet.serving._settings import ServiceSettings

_DRAIN_SECONDS = 5  # beyond the time that a request may take
_BETWEEN_LOOKS = 0.05  # seconds, at what is under way with models that were replaced


def run_service(service: Service) -> None:
    """Answer requests until a signal, as `serve` describes it."""
    # What clients do wrong is told to them; it must not fill the log.
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    loop = _new_event_loop()
    try:
        loop.run_until_complete(service.answer())
    finally:
        loop.close()


class _Served:
    """What answers with one set of models, whose copies lie in a folder of their own."""

    def __init__(self, settings: ServiceSettings, models: Sequence[ServedModel], metrics: Metrics):
        self.models = models
        self.names = [model.name for model in models]
        self.page = PlaygroundPage(models)
        told = {
            "models": [
                {"name": model.name, "file": str(model.copy), "source": str(model.source)}
                for model in models
            ],
            "max_pixels": settings.max_pixels,
            "max_images": settings.max_images,
        }
        self.pool = WorkerPool(
            json.dumps(told),
            settings.worker_count,
            settings.queue,
            settings.timeout,
            metrics.batches.observe,
            before_restart=self._restore_copies,
        )
        self.predict = PredictRoute(settings, self.names, self.pool, metrics)

    @property
    def shown(self) -> Shown:
        return Shown(self.models, self.pool, self.page)

    def _restore_copies(self) -> None:
        for model in self.models:
            model.restore_copy()

    def is_like(self, models: Sequence[ServedModel]) -> bool:
        """Whether these are the same models with the same weights."""
        ours, others = ([(one.name, one.content) for one in each] for each in (self.models, models))
        return ours == others

    async def close_when_idle(self) -> None:
        """Close it when what is under way is answered."""
        while self.predict.under_way or self.page.is_being_made:
            await asyncio.sleep(_BETWEEN_LOOKS)
        await self.close()

    async def close(self) -> None:
        await self.page.close()
        await self.pool.close()
        _remove_copies(self.models)


class Service(uvicorn.Server):
    """Uvicorn's server, which leaves with 0 after a signal and at once after a second one.

    Args:
        settings: Where it listens, whom it answers, and limits.
        keys: Of which a client must know one; none for all.
        models: The first answers where a request names none.
        take: Reads the models again.
        listener: Takes the connections.
        on_start: Is told the service's address and the models' names when it takes requests.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        keys: Sequence[str],
        models: Sequence[ServedModel],
        take: Callable[[], list[ServedModel]],
        listener: socket.socket,
        on_start: Callable[[str, list[str]], None],
    ):
        self._settings, self._take, self._listener = settings, take, listener
        address = _address_of(settings.host, listener.getsockname()[1])
        self._folder = models[0].copy.parent.parent
        self._metrics = Metrics(self._figures)
        self._served = _Served(settings, models, self._metrics)
        self._others: set[_Served] = set()  # that start, or answer what was begun
        self._retiring: set[asyncio.Task[None]] = set()
        self._is_asked_to_reread = asyncio.Event()
        # Under `nohup` there is a terminal, too, but its end is none of the service's.
        is_ignored = signal.getsignal(getattr(signal, "SIGHUP", signal.SIGTERM)) == signal.SIG_IGN
        self._belongs_to_terminal = not is_ignored and _has_terminal()
        self._restarts = 0  # of workers that are gone
        routes = build_routes(
            settings,
            lambda: self._served.shown,
            self._metrics.to_text,
            lambda: self.should_exit,
            address,
        )
        self._gate = Gate(settings, routes, self._metrics)
        self._gate.open(keys, self._served.predict)
        self._tell_start = partial(on_start, address, self._served.names)
        connection = partial(Connection, self._metrics.dropped, most_connections())
        config = uvicorn.Config(
            self._gate,
            http=connection,  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(settings.timeout) + _DRAIN_SECONDS,
        )
        super().__init__(config)

    async def answer(self) -> None:
        guard = asyncio.create_task(sweep(self.server_state.connections, self._settings.timeout))
        rereading = asyncio.create_task(self._reread_when_asked())
        self._loop = asyncio.get_running_loop()
        try:
            with _on_hangup(self.handle_hangup):
                await self.serve([self._listener])
        finally:
            for task in (guard, rereading, *self._retiring):
                task.cancel()
            for served in (self._served, *self._others):
                await served.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self._served.pool.start()  # here, where signals are waited for
        await super().startup(sockets)
        self._tell_start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let what was begun be answered; called again, end without waiting for anything."""
        if self.should_exit:
            for served in (self._served, *self._others):
                served.pool.kill()
            shutil.rmtree(self._folder, ignore_errors=True)
            os._exit(128 + sig)
        self.should_exit = True

    def handle_hangup(self, sig: int, frame: FrameType | None) -> None:
        """End as on SIGTERM where the terminal was closed, else read models and keys again."""
        if self._belongs_to_terminal and not _has_terminal():
            if not self.should_exit:  # a shell and the system may both tell of it
                self.handle_exit(sig, frame)
        else:
            self._loop.call_soon_threadsafe(self._is_asked_to_reread.set)

    async def _reread_when_asked(self) -> None:
        while True:
            await self._is_asked_to_reread.wait()
            self._is_asked_to_reread.clear()
            try:
                await self._reread()
            except LenetError as error:
                sys.stderr.write(f"Error: {error} The service goes on with what it had.\n")
            else:
                names = ", ".join(self._served.names)
                sys.stderr.write(f"Models and keys were read again: {names}.\n")

    async def _reread(self) -> None:
        """Take models and keys again; what was begun is answered with those that it came to."""
        keys = self._settings.read_keys()
        models = await asyncio.get_running_loop().run_in_executor(None, self._take)
        if self._served.is_like(models):
            _remove_copies(models)
            self._gate.open(keys, self._served.predict)
            return
        served = _Served(self._settings, models, self._metrics)
        self._others.add(served)
        try:
            await served.pool.start()
        except LenetError:
            self._others.discard(served)
            await served.close()
            raise
        self._gate.open(keys, served.predict)
        old, self._served = self._served, served
        self._others = {old, *self._others} - {served}
        task = asyncio.create_task(self._retire(old))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _retire(self, old: _Served) -> None:
        await old.close_when_idle()
        self._restarts += old.pool.restarts
        self._others.discard(old)
        del old
        gc.collect()  # models are large, and what holds them are few objects that hold each other

    def _figures(self) -> Iterator[Metric]:
        pool, connections = self._served.pool, self.server_state.connections
        pools, gauge = [one.pool for one in (self._served, *self._others)], GaugeMetricFamily
        restarts = self._restarts + sum(one.restarts for one in pools)
        yield gauge("lenet_queue_requests", "Requests that wait for a worker.", pool.waiting)
        yield gauge("lenet_workers", "Workers that are alive.", len(pool.places))
        yield gauge("lenet_workers_busy", "Workers that look at pictures.", pool.busy)
        yield CounterMetricFamily("lenet_worker_restarts", "Workers replaced.", restarts)
        yield gauge("lenet_connections", "Open connections.", len(connections))
        workers = {f"worker-{place}": number for place, number in pool.places.items()}
        yield from process_metrics({"service": os.getpid(), **workers})


def _remove_copies(models: Sequence[ServedModel]) -> None:
    shutil.rmtree(models[0].copy.parent, ignore_errors=True)


@contextmanager
def _on_hangup(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let something answer SIGHUP until the block ends, where there is such a signal."""
    number = getattr(signal, "SIGHUP", None)
    if number is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, handle)
    try:
        yield
    finally:
        signal.signal(number, before)


def _has_terminal() -> bool:
    """Whether the process belongs to a terminal that is open; one that was closed can't be."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _address_of(host: str, port: int) -> str:
    """Where this machine finds the service."""
    if host in ("0.0.0.0", "::", ""):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """The loop that is written in C where it is installed."""
    if find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
