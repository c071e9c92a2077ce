from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from lenet.core import check_ending, storage_errors, write_atomically
from lenet.errors import SettingError
from lenet.results._choices import Format, Part
from lenet.results.inside._inspection import Inspection
from lenet.results.inside._inspection_page import build_inspection_page
from lenet.results.inside._map import draw_map
from lenet.results.inside._pictures import (
    draw_activations,
    draw_filters,
    draw_neighbours,
    draw_saliency,
)
from lenet.runs import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

_STEM = "inspection"
_DRAWINGS: dict[Part, Callable[[Inspection], Figure]] = {
    "filters": draw_filters,
    "activations": draw_activations,
    "saliency": draw_saliency,
    "neighbours": draw_neighbours,
    "map": draw_map,
}


def write_inspection(
    inspection: Inspection, output: Path | str | None = None, format: Format | None = None
) -> list[Path]:
    """Write what was found inside a network as one page, or as a picture a part.

    Args:
        inspection: What was found.
        output: A file that ends in `.html` or `.png`, or a folder; `inspection.html`, or for
            pictures the folder `inspection`, in the run folder where none is given. For a model
            file it is in the current folder, and its name begins with the model file's.
        format: `html` or `png`; told by `output`, else `html`.

    Returns:
        What was written.

    Raises:
        SettingError: `output` and `format` contradict each other, or one picture can't hold all
            parts.
        StorageError: A file can't be written.
    """
    path, kind = _place(inspection, output, format)
    if kind == "html":
        _write(path, build_inspection_page(inspection).to_html())
        return [path]
    parts = drawn_parts(inspection)
    if not parts:
        reason = inspection.missing or "no input and no layer shows anything of it."
        message = f"There is nothing to draw of {', '.join(inspection.parts)}: {reason}"
        raise SettingError(message)
    if path.suffix.lower() == ".png":
        if len(parts) != 1:
            message = (
                f"`{path}` can hold one part, not {len(parts)} ({', '.join(parts)}): choose one "
                "with `--parts`, or name a folder."
            )
            raise SettingError(message)
        files = {parts[0]: path}
    else:
        files = {part: path / f"{part}.png" for part in parts}
    for part, file in files.items():
        image = BytesIO()
        _DRAWINGS[part](inspection).savefig(image, format="png")
        _write(file, image.getvalue())
    return list(files.values())


def drawn_parts(inspection: Inspection) -> tuple[Part, ...]:
    """The parts in which there is something to draw."""
    shown = inspection.observations
    there: dict[Part, bool] = {
        "filters": bool(inspection.filters),
        "activations": bool(shown),
        "saliency": any(one.occlusion is not None for one in shown),
        "neighbours": any(one.neighbours is not None for one in shown),
        "map": inspection.map is not None,
    }
    return tuple(part for part in inspection.parts if there[part])


def _place(
    inspection: Inspection, output: Path | str | None, format: Format | None
) -> tuple[Path, Format]:
    """Where to write, and what: a file, or a folder of pictures."""
    kind: Format = format or "html"
    ending = ".html" if kind == "html" else ""
    if output is None:
        source = inspection.source
        if isinstance(source, Run):
            return source.folder / f"{_STEM}{ending}", kind
        return Path(f"{source.stem}-{_STEM}{ending}"), kind
    path = Path(output)
    check_ending(path, "An inspection", ".html", ".htm", ".png")
    suffix = path.suffix.lower()
    if suffix not in (".html", ".htm", ".png") or path.is_dir():
        return (path / f"{_STEM}.html" if ending else path), kind
    kind = "png" if suffix == ".png" else "html"
    if format not in (None, kind):
        message = f"`{path}` is a name for {kind}, but the format is to be {format}."
        raise SettingError(message)
    return path, kind


def _write(path: Path, content: str | bytes) -> None:
    """Write a file into a folder that is made if it is not there yet."""
    with storage_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
