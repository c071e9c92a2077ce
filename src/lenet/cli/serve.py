"""The `lenet serve` command."""

import os
from dataclasses import dataclass
from pathlib import Path

from lenet.cli._command import Given, Panel, command
from lenet.cli._console import print_notice
from lenet.core import Settings, option
from lenet.errors import SettingError
from lenet.serving import KEY_VARIABLE, ServiceSettings

_LIMITS = ("workers", "queue", "timeout", "max_body", "max_pixels", "max_images")


@dataclass(frozen=True)
class _Served(Settings):
    """What answers.

    Attributes:
        models: Runs' folders or names, `latest`, model files, `digits` or `fashion`; the first
            answers where a request names none.
        runs_folder: Where names of runs are looked for.
    """

    models: tuple[str, ...] = option(
        (), argument=True, metavar="[RUN|MODEL]…", usual="digits fashion"
    )
    runs_folder: Path = Path("runs")


@command(
    _Served, Panel(ServiceSettings, skip=_LIMITS), Panel(ServiceSettings, "Limits", only=_LIMITS)
)
def serve(given: Given) -> None:
    """Answer over HTTP what pictures show, with a page to try it at the root.

    `curl --data-binary @photo.jpg http://localhost:8000/v1/predict` asks it; `/docs` describes all
    requests. Ctrl-C or SIGTERM stops it when what was begun is answered; SIGHUP lets it read models
    and keys again.
    """
    from lenet import serving

    if os.environ.get(KEY_VARIABLE) == "" and "api_key" not in given.typed:
        message = f"`{KEY_VARIABLE}` is empty; give it a key, or unset it to answer all."
        raise SettingError(message)
    served, settings = given.of(_Served), given.of(ServiceSettings)

    def tell(address: str, names: list[str]) -> None:
        if not settings.asks_for_key and not settings.is_loopback:
            print_notice(
                f"Warning: anyone who reaches `{settings.host}` may ask; set a key with "
                f"`{KEY_VARIABLE}`."
            )
        print_notice(f"Serving {', '.join(names)} at {address}")
        print_notice(f"Requests are described at {address}/docs. Ctrl-C stops.")

    serving.serve(served.models, settings, runs_folder=served.runs_folder, on_start=tell)
