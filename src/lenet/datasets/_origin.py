from dataclasses import asdict, dataclass
from typing import Any

from lenet.datasets._contents import Label
from lenet.datasets._source import DataSource


@dataclass(frozen=True)
class Origin:
    """Where a dataset of one's own came from and what was found there.

    Attributes:
        source: The folder or file and how it was read.
        format: What it is, in words.
        labels: The label that each class has in the files.
        sizes: Height and width of the pictures before they were prepared, with how many had them,
            the most frequent first.
        skipped: What could not be read and was passed over, a sentence each.
        notes: What else a person should know, a sentence each.
    """

    source: DataSource
    format: str
    labels: tuple[Label, ...]
    sizes: tuple[tuple[int, int, int], ...]
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Origin":
        """Read the values back.

        Raises:
            LenetError, KeyError, TypeError, ValueError: A value is missing, unknown or ill-typed.
        """
        return cls(
            source=DataSource.from_dict(values["source"]),
            format=str(values["format"]),
            labels=tuple(values["labels"]),
            sizes=tuple((int(h), int(w), int(count)) for h, w, count in values["sizes"]),
            skipped=tuple(values["skipped"]),
            notes=tuple(values["notes"]),
        )
