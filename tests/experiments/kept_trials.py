"""What a storage holds, as Optuna itself reads it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna


@contextmanager
def kept_study(place: Path | str, name: str) -> Iterator[optuna.Study]:
    """The trials in a sweep's folder or under a URL, for as long as they are looked at."""
    url = f"sqlite:///{place}/trials.db" if isinstance(place, Path) else place
    storage = optuna.storages.RDBStorage(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        yield optuna.load_study(study_name=name, storage=storage)
    finally:
        storage.remove_session()
        storage.engine.dispose()
