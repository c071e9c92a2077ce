from pathlib import Path

from lenet.core import read_json_object
from lenet.errors import RunError

MODEL_FILE = "model.safetensors"
_CONFIG = "config.json"
LIBRARY = "lenet"  # what a folder for a hub names as its library


def model_in_folder(folder: Path | str) -> Path | None:
    """The model file of a folder made for a hub; `None` for a run folder or anything else.

    Both kinds hold `model.safetensors` and `config.json`. The one for a hub names lenet as its
    library there, or came without that file.
    """
    path = Path(folder, MODEL_FILE)
    if not path.is_file():
        return None
    config = Path(folder, _CONFIG)
    if not config.exists():
        return path
    try:
        values = read_json_object(config, RunError)
    except RunError:  # whoever opens it as a run says better what is wrong
        return None
    return path if values.get("library_name") == LIBRARY else None
