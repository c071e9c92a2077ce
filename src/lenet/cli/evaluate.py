"""The `lenet evaluate` command."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lenet.cli._console import print_json, print_line, print_notice, print_table
from lenet.cli._data_options import LabelColumn, ScoredData, SkipBad, choose_data
from lenet.cli._options import Device, Kernels, RunsFolder
from lenet.errors import StorageError
from lenet.results import Views

if TYPE_CHECKING:
    from lenet.results import Evaluation


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN|MODEL", help="A run's folder or name, `latest`, or a model file."
        ),
    ] = "latest",
    data: ScoredData = None,
    skip_bad: SkipBad = None,
    label_column: LabelColumn = None,
    split: Annotated[
        Literal["train", "validation", "test"], typer.Option("--split", help="Which images.")
    ] = "test",
    views: Annotated[
        Views,
        typer.Option(
            "--views",
            help="How each image is looked at: once, also mirrored, or also moved by up to one "
            "pixel. The probabilities of several views are averaged.",
        ),
    ] = "single",
    device: Device = "auto",
    kernels: Kernels = "auto",
    runs_folder: RunsFolder = Path("runs"),
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            help="Where the confusion matrix is drawn. [default: in the run folder]",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score a trained network: accuracy, loss, each class, the confusion matrix."""
    from lenet import results
    from lenet.runs import locate_model

    source = locate_model(model, runs_folder)
    scored = results.evaluate(
        source,
        choose_data(data, {"skip_bad": skip_bad, "label_column": label_column}),
        split=split,
        views=views,
        device=device,
        kernels=kernels,
    )
    if picture is not None:
        _save_picture(scored, picture)
    elif isinstance(source, Path) or as_json:
        pass  # there is no folder for it, or nobody to look at it
    else:
        picture = source.folder / f"confusion-{scored.dataset}-{scored.split}.png"
        try:
            _save_picture(scored, picture)
        except StorageError as error:
            print_notice(str(error))
            picture = None
    if as_json:
        print_json(scored.to_dict())
        return
    _print_scores(scored)
    if picture is not None:
        print_line(f"\nConfusion matrix drawn in {picture}")


def _print_scores(scored: "Evaluation") -> None:
    """The scores for a person."""
    from lenet.results import confusion_text

    low, high = scored.interval
    print_line(f"{scored.dataset}, {scored.split} split, {scored.images:,} images")
    print_line(f"accuracy {scored.accuracy:.4f} (95 % interval {low:.4f} to {high:.4f})")
    print_line(f"loss {scored.loss:.4f}\n")
    rows = [["class", "precision", "recall", "f1", "images"]]
    for score in scored.classes:
        shares = [f"{share:.3f}" for share in (score.precision, score.recall, score.f1)]
        shares = shares if score.images else ["–"] * 3  # without images there is nothing to score
        rows.append([score.name, *shares, str(score.images)])
    print_table(rows)
    print_line(f"\n{confusion_text(scored)}")


def _save_picture(scored: "Evaluation", path: Path) -> None:
    """Draw the confusion matrix into a PNG file."""
    from lenet.core import write_atomically
    from lenet.results import draw_confusion

    title = f"{scored.dataset}, {scored.split}: accuracy {scored.accuracy:.3f}"
    image = BytesIO()
    draw_confusion(scored, title).savefig(image, format="png", dpi=150)
    write_atomically(path, image.getvalue())
