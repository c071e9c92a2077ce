"""What a service serves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lenet.core import (
    read_arrays,
    reading_errors,
    storage_errors,
    write_atomically,
)
from lenet.errors import ModelFileError, SettingError
from lenet.models import BUNDLED, ModelCard, read_card, with_layers
from lenet.runs import Run, locate_model, name_of_model

_NO_WEIGHTS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class ServedModel:
    """A model that a service answers with.

    Attributes:
        name: A bundled model's name, a run's or a file's.
        card: What its file says.
        source: The file.
        copy: A copy of it: a training that goes on must not change what is answered.
        content: The bytes of the file.
        parameters: How many weights and biases it has.
        bundled: The name under which it comes with the package, if it does.
        run: The folder of its run, if it is of one.
    """

    name: str
    card: ModelCard
    source: Path
    copy: Path
    content: bytes
    parameters: int
    bundled: str | None
    run: Path | None

    @property
    def address(self) -> str:
        return f"/v1/models/{quote(self.name)}/file"

    @property
    def etag(self) -> str:
        """What changes when the file does."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'

    def restore_copy(self) -> None:
        """Write the copy again if something, as a cleaner of temporary files, took it away.

        Raises:
            StorageError: The disk is full or read-only.
        """
        if not self.copy.exists():
            with storage_errors(self.copy):
                self.copy.parent.mkdir(mode=0o700, exist_ok=True)
            write_atomically(self.copy, self.content)


def take_models(
    names: Sequence[Run | Path | str], folder: Path, runs_folder: Path | str = "runs"
) -> list[ServedModel]:
    """Copy the files of models and read what they say.

    Args:
        names: Model files, runs, their folders or names, `latest`, `digits` or `fashion`; the
            bundled models where none are given.
        folder: An empty folder for the copies.
        runs_folder: Where names of runs are looked for.

    Raises:
        RunError: There is no such run, or it has no model yet.
        ModelFileError: A file is damaged or not a model of ours.
        SettingError: Two models have the same name.
    """
    models: list[ServedModel] = []
    for name in names or list(BUNDLED):
        model = _take(name, folder, runs_folder)
        if any(model.name == other.name for other in models):
            message = f"Two models are called `{model.name}`; rename the file or folder of one."
            raise SettingError(message)
        models.append(model)
    return models


def _take(name: Run | Path | str, folder: Path, runs_folder: Path | str) -> ServedModel:
    located = locate_model(name, runs_folder)
    source = located.require_model() if isinstance(located, Run) else located
    with reading_errors(source, ModelFileError):
        content = with_layers(source.read_bytes())
    copy = folder / f"{len(list(folder.iterdir()))}.safetensors"
    write_atomically(copy, content)
    name = name_of_model(located)
    if not name.isprintable():
        message = f"`{ascii(name)[1:-1]}` is no name for an address; rename the file or folder."
        raise SettingError(message)
    try:
        card = read_card(copy)  # `source` may be another one by now
    except ModelFileError as error:
        raise ModelFileError(str(error).replace(str(copy), str(source))) from error
    parameters = sum(
        array.size for key, array in read_arrays(copy).items() if not key.endswith(_NO_WEIGHTS)
    )
    return ServedModel(
        name=name,
        card=card,
        source=source,
        copy=copy,
        content=content,
        parameters=parameters,
        bundled=next((known for known, file in BUNDLED.items() if file == source), None),
        run=located.folder.absolute() if isinstance(located, Run) else None,
    )
