from collections.abc import Callable

from lenet.doctor.speed._turns import Contestant


def find_contestants(
    makers: dict[str, Callable[[], Contestant]], tell: Callable[[str], None]
) -> tuple[list[Contestant], dict[str, str]]:
    """Those who can take part, after a turn that is not counted, and why the others can't.

    Args:
        makers: By the contestants' names.
        tell: Is told what is going on.
    """
    contestants, absent = [], {}
    for name, make in makers.items():
        tell(f"warm-up: {name}")
        try:
            contestant = make()
            contestant.play()
        except ImportError as error:
            absent[name] = f"`{error.name}` is not installed."
        except Exception as error:  # whatever a peer's library raises, the others go on
            absent[name] = str(error).strip().partition("\n")[0] or type(error).__name__
        else:
            contestants.append(contestant)
    return contestants, absent
