import warnings
from io import BytesIO

import numpy as np
import numpy.typing as npt

from lenet._settings import check_range
from lenet.datasets._dataset import Dataset

_GAP = 2  # pixels between images, before they are enlarged
_LEAST_SIDE = 56  # pixels that an image has on the sheet
_DOTS = 100  # an inch
_GROUND = (222, 222, 226)  # on which black and white images stand out
_OTHER_SCRIPTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Yu Gothic",
    "SimHei",
    "WenQuanYi Zen Hei",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Arial Unicode MS",
)


def draw_contact_sheet(dataset: Dataset, per_class: int = 10, seed: int = 0) -> bytes:
    """Draw training images of every class, a row a class, as a PNG.

    Args:
        dataset: The images.
        per_class: How many images a row has at most, from 1 to 100.
        seed: Decides which are drawn from a class.

    Raises:
        SettingError: `per_class` is out of range.
    """
    check_range("per_class", per_class, 1, 100)
    sheet = _compose(dataset, per_class, np.random.default_rng(seed))
    from matplotlib.figure import Figure

    row_height = dataset.image_shape[1] + _GAP
    factor = max(1, round(_LEAST_SIDE / dataset.image_shape[1]))
    counts = np.bincount(dataset.train.labels, minlength=len(dataset.class_names))
    names = [
        f"{_shortened(name)} ({count:,})"
        for name, count in zip(dataset.class_names, counts.tolist(), strict=True)
    ]
    sheet = sheet.repeat(factor, axis=0).repeat(factor, axis=1)
    height, width = sheet.shape[:2]
    figure = Figure(figsize=(width / _DOTS, height / _DOTS), dpi=_DOTS)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(sheet, interpolation="nearest")
    axes.set_frame_on(False)
    axes.set_xticks([])
    middles = (np.arange(len(names)) + 0.5) * row_height * factor
    fonts = _fonts()
    axes.set_yticks(middles, names, fontsize=9, fontfamily=fonts, parse_math=False)
    axes.tick_params(length=0)
    title = f"{dataset.name}: training images"
    axes.set_title(title, fontsize=10, fontfamily=fonts, loc="left", parse_math=False)
    picture = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a box is drawn in its place
        figure.savefig(picture, format="png", bbox_inches="tight", pad_inches=0.15)
    return picture.getvalue()


def _compose(
    dataset: Dataset, per_class: int, generator: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """The images on their ground, uint8 (H, W, 3)."""
    _, height, width = dataset.image_shape
    labels = dataset.train.labels
    columns = min(per_class, int(np.bincount(labels).max()))
    cell = height + _GAP, width + _GAP
    shape = (len(dataset.class_names) * cell[0], columns * cell[1], 3)
    sheet = np.full(shape, _GROUND, np.uint8)
    for row in range(len(dataset.class_names)):
        members = np.flatnonzero(labels == row)
        chosen = np.sort(generator.permutation(members)[:columns])
        for column, index in enumerate(chosen):
            image = dataset.train.images[index].transpose(1, 2, 0)
            top, left = row * cell[0] + _GAP // 2, column * cell[1] + _GAP // 2
            sheet[top : top + height, left : left + width] = image
    return sheet


def _fonts() -> list[str]:
    """Matplotlib's own font and, for other scripts, those of these that are installed."""
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in _OTHER_SCRIPTS if name in installed)]


def _shortened(name: str) -> str:
    """A name that leaves room for the images."""
    return name if len(name) <= 24 else f"{name[:23]}…"
