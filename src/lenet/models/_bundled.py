"""The models that come with the package; `benchmarks/bundled_models.py` makes them."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "bundled"

BUNDLED: dict[str, Path] = {
    "digits": _FOLDER / "digits.safetensors",
    "fashion": _FOLDER / "fashion.safetensors",
}
