from collections.abc import Sequence

from lenet.training import Listener


def announce(listeners: Sequence[Listener], text: str) -> None:
    """Tell every listener something that the person should know."""
    for listener in listeners:
        listener.on_message(text)
