from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence

from lenet.serving._http_errors import HttpError
from lenet.serving._served_models import ServedModel


class PlaygroundPage:
    """The page at `/`, made when it is asked for first.

    Args:
        models: Those that are served.
    """

    def __init__(self, models: Sequence[ServedModel]):
        self._models = models
        self._making: asyncio.Task[str] | None = None

    async def text(self) -> str:
        """The page.

        Raises:
            HttpError: It could not be made.
        """
        if self._making is None or (self._making.done() and self._making.exception()):
            self._making = asyncio.get_running_loop().create_task(self._make())
        return await asyncio.shield(self._making)

    async def close(self) -> None:
        """Stop making it."""
        if self._making is not None and not self._making.done():
            self._making.cancel()
            await asyncio.wait([self._making])

    async def _make(self) -> str:
        told = [
            {
                "name": model.name,
                "url": model.address.lstrip("/"),
                "bundled": model.bundled,
                "run": None if model.run is None else str(model.run),
            }
            for model in self._models
        ]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "lenet.serving._page_process",
            json.dumps(told),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "LENET_OFFLINE": "1"},
        )
        try:
            content, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise HttpError(500, "The page could not be made; the service's log says why.")
        return content.decode()
