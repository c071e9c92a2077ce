from dataclasses import asdict, dataclass
from typing import Any

from lenet._version import __version__
from lenet.datasets import DataSource
from lenet.errors import RunError, UnknownNameError
from lenet.kernels import KernelChoice
from lenet.models import ModelConfig, Normalisation, model_config
from lenet.training import Recipe

_FORMAT = 1
_MAY_LACK = {"source"}  # the first runs had no such key


@dataclass(frozen=True)
class RunConfig:
    """All that decides what a run computes; the content of its `config.json`.

    Attributes:
        dataset: The dataset's name.
        fingerprint: SHA-256 of its images and labels, the split included.
        model: The network's name in the registry.
        settings: The network's settings.
        recipe: How it is trained.
        preset: The preset that network and recipe began from.
        normalisation: How pixels become the network's input.
        seed: Of weights, order, augmentation and validation split.
        device: Where it is trained.
        threads: CPU threads, which decide the order of PyTorch's sums but not of the kernels'.
        kernels: What computes on a CPU: `native` for the compiled kernels where they serve, or
            `torch`.
        source: Where images of one's own were read from and how; `None` for other data.
    """

    dataset: str
    fingerprint: str
    model: str
    settings: ModelConfig
    recipe: Recipe
    preset: str
    normalisation: Normalisation
    seed: int
    device: str
    threads: int
    kernels: KernelChoice
    source: DataSource | None = None

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        source = None if self.source is None else self.source.to_dict()
        return {"format": _FORMAT, "version": __version__, **asdict(self), "source": source}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunConfig":
        """Read the values back.

        Raises:
            RunError: They are of a newer format, or one is missing.
            SettingError: One is unknown, ill-typed or out of range.
        """
        values = dict(values)
        if values.pop("format", None) != _FORMAT:
            message = f"it is not of format {_FORMAT}, the one this version of lenet reads"
            raise RunError(message)
        values.pop("version", None)
        known = list(cls.__dataclass_fields__)
        for name in values:
            if name not in known:
                raise UnknownNameError("key", name, known)
        missing = [name for name in known if name not in values and name not in _MAY_LACK]
        if missing:
            message = f"it has no `{missing[0]}`"
            raise RunError(message)
        values["settings"] = model_config(values["model"], values["settings"])
        values["recipe"] = Recipe.from_dict(values["recipe"])
        values["normalisation"] = Normalisation(**values["normalisation"])
        if values.get("source") is not None:
            values["source"] = DataSource.from_dict(values["source"])
        return cls(**values)
