"""Services that many tests share: one as it comes, and one with a key and little patience."""

from collections.abc import Iterator

import pytest
from service_process import ServiceProcess, running

KEY = "a key, with blanks: and a colon"


@pytest.fixture(scope="session")
def service() -> Iterator[ServiceProcess]:
    """The bundled models with the defaults."""
    with running("--workers", "2") as started:
        yield started


@pytest.fixture(scope="session")
def strict_service() -> Iterator[ServiceProcess]:
    """Small limits, a key, and one worker."""
    options = "digits --workers 1 --queue 3 --timeout 1.5 --max-body 20000 --max-images 3"
    with running(*options.split(), "--max-pixels", "60000", key=KEY) as started:
        yield started


@pytest.fixture(scope="session")
def key() -> str:
    """What clients of the strict service must know."""
    return KEY
