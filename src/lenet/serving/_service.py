"""The parts of a service put together, from its start to its end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from types import FrameType

import uvicorn
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

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
from lenet.serving._routes import build_routes
from lenet.serving._settings import ServiceSettings

_DRAIN_SECONDS = 5  # beyond the time that a request may take


def run_service(
    settings: ServiceSettings,
    models: Sequence[ServedModel],
    listener: socket.socket,
    on_start: Callable[[str, list[str]], None],
) -> None:
    """Answer requests until a signal, as `serve` describes it."""
    # What clients do wrong is told to them; it must not fill the log.
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    loop = _new_event_loop()
    try:
        loop.run_until_complete(_Service(settings, models, listener, on_start).answer())
    finally:
        loop.close()


class _Service(uvicorn.Server):
    """Uvicorn's server, which leaves with 0 after a signal and at once after a second one."""

    def __init__(
        self,
        settings: ServiceSettings,
        models: Sequence[ServedModel],
        listener: socket.socket,
        on_start: Callable[[str, list[str]], None],
    ):
        names = [model.name for model in models]
        address = _address_of(settings.host, listener.getsockname()[1])
        metrics = Metrics(self._figures)
        self._listener = listener
        self._timeout = settings.timeout
        self._copies = models[0].copy.parent
        self._tell_start = partial(on_start, address, names)
        self._page = PlaygroundPage(models)
        told = {
            "models": [
                {"name": model.name, "file": str(model.copy), "source": str(model.source)}
                for model in models
            ],
            "max_pixels": settings.max_pixels,
            "max_images": settings.max_images,
        }

        def restore_copies() -> None:
            for model in models:
                model.restore_copy()

        self._pool = WorkerPool(
            json.dumps(told),
            settings.worker_count,
            settings.queue,
            settings.timeout,
            metrics.batches.observe,
            before_restart=restore_copies,
        )
        routes = build_routes(
            settings,
            models,
            self._pool,
            metrics.to_text,
            lambda: self.should_exit,
            self._page,
            address,
        )
        predict = PredictRoute(settings, names, self._pool, metrics)
        config = uvicorn.Config(
            Gate(settings, predict, routes, metrics),
            http=partial(Connection, metrics.dropped, most_connections()),  # type: ignore[arg-type]
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
        guard = asyncio.create_task(sweep(self.server_state.connections, self._timeout))
        try:
            await self.serve([self._listener])
        finally:
            guard.cancel()
            await self._page.close()
            await self._pool.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self._pool.start()  # here, where signals are waited for
        await super().startup(sockets)
        self._tell_start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let what was begun be answered; called again, end without waiting for anything."""
        if self.should_exit:
            self._pool.kill()
            shutil.rmtree(self._copies, ignore_errors=True)
            os._exit(128 + sig)
        self.should_exit = True

    def _figures(self) -> Iterator[Metric]:
        pool, connections, gauge = self._pool, self.server_state.connections, GaugeMetricFamily
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


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """The loop that is written in C where it is installed."""
    if find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop

    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
