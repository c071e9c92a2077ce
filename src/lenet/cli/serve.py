"""The `lenet serve` command."""

import os
from pathlib import Path
from typing import Annotated

import typer

from lenet.cli._console import print_notice
from lenet.cli._options import RunsFolder
from lenet.errors import SettingError

_LIMITS = "Limits"
_KEY_VARIABLE = "LENET_API_KEY"


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|MODEL]…",
            help="Runs' folders or names, `latest`, model files, `digits` or `fashion`; the first "
            "answers where a request names none. [default: digits fashion]",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", help="The address to listen on; `0.0.0.0` for all.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port; 0 takes a free one.")] = 8000,
    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key",
            metavar="TEXT",
            envvar=_KEY_VARIABLE,
            help="What clients must know. In the variable it does not show in lists of processes.",
            show_default=False,
        ),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            metavar="ORIGIN",
            help="Web pages that may ask from a browser, as `https://example.org`; `*` for any. "
            "May be given several times.",
            show_default=False,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-host",
            metavar="NAME",
            help="A name by which a service on this machine alone may be called, as behind a "
            "proxy. May be given several times.",
            show_default=False,
        ),
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="Print a line a request.")] = False,
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            help="Processes that look at pictures; 0 for one a core.",
            rich_help_panel=_LIMITS,
        ),
    ] = 0,
    queue: Annotated[
        int,
        typer.Option(
            "--queue",
            help="Requests that may wait; others get 503 and `Retry-After`.",
            rich_help_panel=_LIMITS,
        ),
    ] = 256,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            metavar="SECONDS",
            help="How long pictures may take, and a slow client be silent.",
            rich_help_panel=_LIMITS,
        ),
    ] = 10.0,
    max_body: Annotated[
        int,
        typer.Option(
            "--max-body",
            metavar="BYTES",
            help="The largest request.",
            rich_help_panel=_LIMITS,
        ),
    ] = 16 * 2**20,
    max_pixels: Annotated[
        int,
        typer.Option("--max-pixels", help="The largest picture.", rich_help_panel=_LIMITS),
    ] = 50_000_000,
    max_images: Annotated[
        int,
        typer.Option(
            "--max-images", help="The most pictures of a request.", rich_help_panel=_LIMITS
        ),
    ] = 64,
    runs_folder: RunsFolder = Path("runs"),
) -> None:
    """Answer over HTTP what pictures show, with a page to try it at the root.

    `curl --data-binary @photo.jpg http://localhost:8000/v1/predict` asks it; `/docs` describes all
    requests. Ctrl-C or SIGTERM stops it when what was begun is answered.
    """
    from lenet import serving

    if api_key is None and os.environ.get(_KEY_VARIABLE) == "":
        message = f"`{_KEY_VARIABLE}` is empty; give it a key, or unset it to answer all."
        raise SettingError(message)
    settings = serving.ServiceSettings(
        host=host,
        port=port,
        api_key=api_key,
        allow_origins=tuple(allow_origin or ()),
        allow_hosts=tuple(allow_host or ()),
        max_body=max_body,
        max_pixels=max_pixels,
        max_images=max_images,
        timeout=timeout,
        queue=queue,
        workers=workers,
        log=log,
    )

    def tell(address: str, names: list[str]) -> None:
        if settings.api_key is None and not settings.is_loopback:
            print_notice(
                f"Warning: anyone who reaches `{host}` may ask; set a key with `LENET_API_KEY`."
            )
        print_notice(f"Serving {', '.join(names)} at {address}")
        print_notice(f"Requests are described at {address}/docs. Ctrl-C stops.")

    serving.serve(models or (), settings, runs_folder=runs_folder, on_start=tell)
