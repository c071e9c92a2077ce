import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import typer

from lenet.core import Settings, field_help, field_types, parse_setting
from lenet.errors import SettingError, UnknownNameError

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Panel:
    """A class of settings and how its options are shown.

    Attributes:
        settings: The class.
        title: The heading that the options stand under in the help.
        skip: Fields without an option.
    """

    settings: type[Settings]
    title: str
    skip: tuple[str, ...] = ()


def settings_options(*panels: Panel) -> Callable[[Command], Command]:
    """Give a command an option for every field of some classes of settings.

    The names, help texts and defaults are the classes' own, so that a setting is described in one
    place. The command takes `**settings` and receives in it the texts of the options.
    """

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        added = [
            _option(panel, name)
            for panel in panels
            for name in field_types(panel.settings)
            if name not in panel.skip
        ]
        # typer reads the options of a command from these two.
        command.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
        command.__annotations__ |= {option.name: option.annotation for option in added}
        return command

    return decorate


def used_settings(classes: tuple[type[Settings], ...], options: dict[str, Any]) -> dict[str, Any]:
    """The settings that were given on the command line, read from their texts.

    Raises:
        SettingError: A text is not a value of its field's type.
    """
    used = {}
    for cls in classes:
        for name in field_types(cls):
            value = options.get(name)
            if value is not None:
                used[name] = parse_setting(cls, name, value) if isinstance(value, str) else value
    return used


def parse_variation(classes: tuple[type[Settings], ...], text: str) -> tuple[str, list[Any]]:
    """A setting with several values, as typed: `activation=sigmoid,relu`, `channels=6,16/16,32`.

    Raises:
        UnknownNameError: There is no such setting.
        SettingError: There is no `=`, or a text is not a value of its field's type.
    """
    name, equals, values = text.partition("=")
    name = name.strip().lstrip("-").replace("-", "_")
    if not equals:
        message = (
            f"`{text}` should be a setting with its values, such as `activation=sigmoid,relu`."
        )
        raise SettingError(message)
    for cls in classes:
        annotation = field_types(cls).get(name)
        if annotation is None:
            continue
        separator = "/" if get_origin(annotation) is tuple else ","
        parts = [part.strip() for part in values.split(separator) if part.strip()]
        return name, [parse_setting(cls, name, part) for part in parts]
    raise UnknownNameError(
        "setting", name, [field for cls in classes for field in field_types(cls)]
    )


def _option(panel: Panel, name: str) -> inspect.Parameter:
    """One field as a keyword-only parameter that typer understands."""
    annotation = field_types(panel.settings)[name]
    default = inspect.signature(panel.settings).parameters[name].default
    explanation = field_help(panel.settings).get(name, "")  # `python -OO` has no docstrings
    if get_origin(annotation) is Literal:
        explanation += f" One of {', '.join(get_args(annotation))}."
    help_text = f"{explanation} [tutorial: {_as_typed(default)}]"
    flag = f"--{name.replace('_', '-')}"
    is_switch = annotation is bool
    option = typer.Option(
        f"{flag}/--no-{flag[2:]}" if is_switch else flag,
        help=help_text,
        metavar=None if is_switch else _metavar(annotation),
        rich_help_panel=panel.title,
        show_default=False,
    )
    kind: Any = bool | None if is_switch else str | None
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option]
    )


def _metavar(annotation: Any) -> str:
    """What stands behind an option in the help."""
    if get_origin(annotation) is Literal:
        return "NAME"
    if get_origin(annotation) is tuple:
        return "N,N,…"
    return {int: "N", float: "X"}[annotation]


def _as_typed(value: Any) -> str:
    """A default as it would be typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
