"""The parts of a service put together, from its start to its end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from importlib.util import find_spec
from types import FrameType

import uvicorn
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from lenet.serving._connections import KEEP_ALIVE_SECONDS, connection_class, sweep
from lenet.serving._gate import Gate
from lenet.serving._metrics import Metrics, process_metrics
from lenet.serving._playground_page import PlaygroundPage
from lenet.serving._pool import WorkerPool
from lenet.serving._predict_route import PredictRoute
from lenet.serving._routes import build_routes
from lenet.serving._served_models import ServedModel, restore_copies
from lenet.serving._settings import ServiceSettings

_DRAIN_SECONDS = 5  # beyond the time that a request may take


def run_service(
    settings: ServiceSettings,
    models: Sequence[ServedModel],
    listener: socket.socket,
    on_start: Callable[[str, list[str]], None],
) -> None:
    """Answer requests until a signal.

    Args:
        settings: As for `serve`.
        models: Those that are served.
        listener: A socket that listens.
        on_start: As for `serve`.

    Raises:
        ModelFileError: A model can't be opened.
    """
    # What clients do wrong is told to them; it must not fill the log.
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    loop = _new_event_loop()
    try:
        loop.run_until_complete(_Service(settings, models, listener, on_start).run())
    finally:
        loop.close()


class _Service:
    """The event loop's side of a service."""

    def __init__(
        self,
        settings: ServiceSettings,
        models: Sequence[ServedModel],
        listener: socket.socket,
        on_start: Callable[[str, list[str]], None],
    ):
        self._settings = settings
        self._models = models
        self._listener = listener
        self._on_start = on_start
        self._page = PlaygroundPage(models)
        self._address = _address_of(settings.host, listener.getsockname()[1])
        metrics = Metrics(self._figures)
        told = {
            "models": [
                {"name": model.name, "file": str(model.copy), "source": str(model.source)}
                for model in models
            ],
            "max_pixels": settings.max_pixels,
            "max_images": settings.max_images,
        }
        self._pool = WorkerPool(
            json.dumps(told),
            settings.worker_count,
            settings.queue,
            settings.timeout,
            metrics.batches.observe,
            before_restart=lambda: restore_copies(models),
        )
        predict = PredictRoute(settings, [model.name for model in models], self._pool, metrics)
        routes = build_routes(
            settings,
            models,
            self._pool,
            metrics.to_text,
            lambda: self._server.should_exit,
            self._page,
            self._address,
        )
        config = uvicorn.Config(
            Gate(settings, predict, routes, metrics),
            http=connection_class(metrics.dropped),
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
        self._server = _Server(config, self._pool.start, self._has_started, self._leave_at_once)

    async def run(self) -> None:
        """Answer until a signal, and end all."""
        connections = self._server.server_state.connections
        guard = asyncio.create_task(sweep(connections, self._settings.timeout))
        try:
            await self._server.serve([self._listener])
        finally:
            guard.cancel()
            await self._page.close()
            await self._pool.close()

    def _has_started(self) -> None:
        """Tell where the service is."""
        self._on_start(self._address, [model.name for model in self._models])

    def _leave_at_once(self, number: int) -> None:
        """End without waiting for anything."""
        self._pool.kill()
        shutil.rmtree(self._models[0].copy.parent, ignore_errors=True)
        os._exit(128 + number)

    def _figures(self) -> Iterator[Metric]:
        """The figures of the moment."""
        pool, connections = self._pool, self._server.server_state.connections
        gauge = GaugeMetricFamily
        yield gauge("lenet_queue_requests", "Requests that wait for a worker.", pool.waiting)
        yield gauge("lenet_workers", "Workers that are alive.", len(pool.places))
        yield gauge("lenet_workers_busy", "Workers that look at pictures.", pool.busy)
        yield CounterMetricFamily("lenet_worker_restarts", "Workers replaced.", pool.restarts)
        yield gauge("lenet_connections", "Open connections.", len(connections))
        workers = {f"worker-{place}": number for place, number in pool.places.items()}
        yield from process_metrics({"service": os.getpid(), **workers})


def _address_of(host: str, port: int) -> str:
    """Where this machine finds the service."""
    if host in ("0.0.0.0", "::", ""):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Uvicorn's, which leaves with 0 after a signal and at once after a second one."""

    def __init__(
        self,
        config: uvicorn.Config,
        before_start: Callable[[], Awaitable[None]],
        on_start: Callable[[], None],
        on_second_signal: Callable[[int], None],
    ):
        super().__init__(config)
        self._prepare = before_start
        self._tell_start = on_start
        self._leave_at_once = on_second_signal

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let what was begun be answered; called again, end."""
        if self.should_exit:
            self._leave_at_once(sig)
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take requests, and say so."""
        await self._prepare()  # here, where signals are waited for
        await super().startup(sockets)
        self._tell_start()


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """The loop that is written in C where it is installed."""
    if find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
