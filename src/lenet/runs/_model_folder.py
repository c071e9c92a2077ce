import json
from pathlib import Path

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
    try:
        values = json.loads(Path(folder, _CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return path
    except (OSError, ValueError):  # whoever opens it as a run says better what is wrong
        return None
    is_ours = isinstance(values, dict) and values.get("library_name") == LIBRARY
    return path if is_ours else None
