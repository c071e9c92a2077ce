"""A command is some classes of settings and a function of what was typed; many share some."""

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from functools import partial
from math import inf
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from lenet.cli._console import listed, print_json, print_line
from lenet.core import (
    Settings,
    SettingsType,
    field_help,
    field_types,
    format_setting,
    option,
    parse_setting,
)
from lenet.datasets import Reading
from lenet.errors import Interrupted, SettingError
from lenet.models import LeNetConfig
from lenet.training import Recipe

if TYPE_CHECKING:
    from lenet.datasets import DataSource


@dataclass(frozen=True)
class Panel:
    """A class of settings and how its options are shown.

    Attributes:
        settings: The class.
        title: The heading that the options stand under in the help.
        only: Fields with an option; all where none are named.
        skip: Fields without an option.
        as_text: Whether values are read as in a recipe file, rather than by the parser.
    """

    settings: type[Settings]
    title: str | None = None
    only: Collection[str] = ()
    skip: Collection[str] = ()
    as_text: bool = False

    def fields(self) -> Iterator["Field[Any]"]:
        """The fields that have an option."""
        for field in fields(self.settings):
            if (not self.only or field.name in self.only) and field.name not in self.skip:
                yield field


_ANY_TEXT = {str: str, str | None: str, Path: Path, Path | None: Path}  # kinds that any text is of
READING = Panel(Reading, "Your own images")
READING_TO_SCORE = Panel(
    Reading, "Your own images", only=("skip_bad", "pixel_range", "label_column", "label_from")
)
TRAINING = (
    READING,
    Panel(Recipe, "Recipe", as_text=True),
    Panel(LeNetConfig, "Network", skip=("input_shape", "classes"), as_text=True),
)


@dataclass
class Given:
    """What was typed.

    Attributes:
        typed: The values by the fields' names, in the order of the help; what was not typed is not
            among them.
    """

    typed: dict[str, Any]

    def of(self, cls: type[SettingsType]) -> SettingsType:
        """The settings of a class, with the defaults of what was not typed."""
        return cls(**self.typed_of(cls))

    def typed_of(self, *classes: type[Settings]) -> dict[str, Any]:
        """What was typed of some classes."""
        known = {name for cls in classes for name in field_types(cls)}
        return {name: value for name, value in self.typed.items() if name in known}

    def refuse_others(self, allowed: Collection[str], reason: str) -> None:
        """Raise the `SettingError` for what was typed and is not allowed here."""
        for name in self.typed:
            if name not in allowed:
                message = f"{reason}; leave out `--{name.replace('_', '-')}`."
                raise SettingError(message)

    def dataset(self) -> "str | DataSource | None":
        """The dataset that was typed; one of one's own with how it is read."""
        from lenet.datasets import find_source

        data, reading = self.typed.get("data"), self.typed_of(Reading)
        if data is None and reading:
            flag = _flag_of(next(iter(reading)))
            message = f"`{flag}` is for folders and files of your own; name one with `--data`."
            raise SettingError(message)
        if "size" in reading:
            reading["size"] = _parse_size(reading["size"])
        if "pixel_range" in reading:
            reading["pixel_range"] = parse_white(reading["pixel_range"])
        return None if data is None else find_source(data, **reading) or data


class Stopped(Exception):
    """Carries an `Interrupted`, its cause, past click, which has a use of its own for those."""


class QuickCommand(TyperCommand):
    """A command that leaves typer no more to check than what was typed and is not text."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options and arguments."""
        return _checking_less(super().get_params(ctx), getattr(self.callback, "texts", {}))


class QuickGroup(TyperGroup):
    """The same for what stands before a command."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options."""
        return _checking_less(super().get_params(ctx), {})


def _checking_less(parameters: list[Any], texts: Mapping[str, type]) -> list[Any]:
    """Parameters that let through what is missing, and text that may be any.

    typer makes a validator of pydantic's for each parameter, typed or not; for those of `train`
    that takes longer than importing NumPy.
    """
    for one in parameters:
        if not one.required and "process_value" not in vars(one):
            one.process_value = partial(_process, one, one.process_value, texts.get(one.name))
    return parameters


def _process(
    parameter: Any, check: Callable[[Any, Any], Any], kind: type | None, context: Any, value: Any
) -> Any:
    if kind and isinstance(value, str):
        value = kind(value)
    elif value is not None:
        return check(context, value)
    return parameter.callback(context, parameter, value) if parameter.callback else value


def command(
    *panels: Panel | type[Settings],
) -> Callable[[Callable[[Given], None]], Callable[..., None]]:
    """Make a command of a function, with an option for every field of some classes of settings.

    Names, types, help texts and defaults are the classes' own.
    """
    shown = [one if isinstance(one, Panel) else Panel(one) for one in panels]

    def decorate(run: Callable[[Given], None]) -> Callable[..., None]:
        parameters = [_parameter(panel, field) for panel in shown for field in panel.fields()]
        owners = {field.name: panel for panel in shown for field in panel.fields()}

        def started(**values: Any) -> None:
            typed = {}
            for name, panel in owners.items():
                value = values.get(name)
                if value is None or value == []:
                    continue
                reads = panel.as_text and isinstance(value, str)
                typed[name] = parse_setting(panel.settings, name, value) if reads else value
            try:
                run(Given(typed))
            except Interrupted as error:
                raise Stopped from error

        started.__name__, started.__doc__ = run.__name__, run.__doc__
        # typer reads the options of a command from these two.
        started.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        started.__annotations__ = {one.name: one.annotation for one in parameters}
        kinds = ((one.name, get_args(one.annotation)[0]) for one in parameters)
        texts = {name: _ANY_TEXT[kind] for name, kind in kinds if kind in _ANY_TEXT}
        started.texts = texts  # type: ignore[attr-defined]
        return started

    return decorate


def _parameter(panel: Panel, field: "Field[Any]") -> inspect.Parameter:
    """A field as a keyword-only parameter that typer understands."""
    typed = field.metadata or option().metadata
    annotation = field_types(panel.settings)[field.name]
    kind, metavar = _typed_as(annotation, typed["metavar"], panel.as_text)
    flag = f"--{field.name.replace('_', '-')}"
    if panel.as_text and kind is bool:
        flag += f"/--no-{flag[2:]}"
    is_required = field.default is MISSING
    shown: dict[str, Any] = {"help": _help(panel, field, typed), "show_default": False}
    shown |= {"metavar": metavar, "rich_help_panel": panel.title, "envvar": typed["variable"]}
    if typed["argument"]:
        parameter: Any = typer.Argument(**shown)
    else:
        parameter = typer.Option(*(typed["flags"] or [flag]), **shown)
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if is_required else None,
        annotation=Annotated[kind if is_required else kind | None, parameter],
    )


def _typed_as(annotation: Any, metavar: str | None, as_text: bool) -> tuple[Any, str | None]:
    """What the parser reads a field as, and what stands for it in the help if not its type.

    A choice with a metavar of its own is checked by its class, which offers the nearest one.
    """
    is_union = get_origin(annotation) in (Union, UnionType)
    kinds = get_args(annotation) if is_union else (annotation,)
    kind, *others = (one for one in kinds if one is not NoneType)
    if as_text and kind is not bool:
        metavars = {int: "N", float: "X", tuple: "N,N,…", Literal: "NAME"}
        return str, metavar or metavars[get_origin(kind) or kind]
    is_pair = get_origin(kind) is tuple and get_args(kind)[0] is float
    if others or is_pair or (metavar and get_origin(kind) is Literal):
        return str, metavar
    return (list[str] if get_origin(kind) is tuple else kind), metavar


def _help(panel: Panel, field: "Field[Any]", typed: Mapping[str, Any]) -> str:
    text = field_help(panel.settings).get(field.name, "")  # `python -OO` has no docstrings
    annotation = field_types(panel.settings)[field.name]
    if panel.as_text:
        if get_origin(annotation) is Literal:
            text += f" One of {', '.join(get_args(annotation))}."
        return f"{text} [tutorial: {format_setting(field.default)}]"
    if typed["names"]:
        first, point, rest = text.partition(".")
        text = f"{first}: {listed(typed['names'])}{point}{rest}"
    usual = typed["usual"]
    if not usual and not any(field.default is none for none in (MISSING, None, False, ())):
        usual = format_setting(field.default)
    return f"{text} [default: {usual}]" if usual else text


def data_option(usual: str) -> Any:
    """The field `data` of a command, with what it is where nothing is typed."""
    return option(None, flags=("--data", "--dataset"), metavar="NAME|PATH", usual=usual)


@dataclass(frozen=True)
class Data(Settings):
    """What a command works on.

    Attributes:
        data: The dataset: `fashion-mnist`, `mnist`, `kmnist`, `emnist-letters`, `digits`, …, or
            your own: a folder of pictures, a CSV, NPZ or Parquet file, IDX files.
    """

    data: str | None = data_option("fashion-mnist")


@dataclass(frozen=True)
class Trained(Data):
    """A trained network and the images to look at it with.

    Attributes:
        model: A run's folder or name, `latest`, a model file, `digits` or `fashion`.
        runs_folder: Where names of runs are looked for.
    """

    model: str = option("latest", argument=True, metavar="RUN|MODEL")
    data: str | None = data_option("what the network was trained on")
    runs_folder: Path = Path("runs")


@dataclass(frozen=True)
class Printed(Settings):
    """How a command answers.

    Attributes:
        json: Print JSON.
    """

    json: bool = False


def _flag_of(name: str) -> str:
    """What is typed for a field of `Reading`."""
    return "--white" if name == "pixel_range" else f"--{name.replace('_', '-')}"


def parse_white(text: str) -> tuple[float, float]:
    """The value of white where 0 is black, or those of black and white: `4095`, `-40,85`."""
    try:
        ends = [float(part) for part in text.split(",")]
        low, high = (0.0, *ends) if len(ends) == 1 else ends
    except ValueError:
        low = high = 0.0
    if not -inf < low < high < inf:
        message = (
            f"`--white` must be a number above 0, or what is black and what is white, as in "
            f"`-40,85`, not `{text}`."
        )
        raise SettingError(message)
    return low, high


def print_written(paths: Sequence[Path], told: str, given: Given, **facts: object) -> None:
    """Say which files were written: in words, or as JSON with facts about them."""
    if given.of(Printed).json:
        print_json({"written": [str(path) for path in paths], **facts})
    else:
        print_line(told)


@dataclass(frozen=True)
class Quiet(Settings):
    """How much a command tells while it works.

    Attributes:
        quiet: Tell nothing of how it goes: warnings, errors and what comes out alone.
    """

    quiet: bool = option(False, flags=("--quiet", "-q"))


def _parse_size(text: str) -> int | tuple[int, int]:
    """A side, or height and width: `32`, `32x48`."""
    match = re.fullmatch(r"(\d{1,4})(?:[x×](\d{1,4}))?", text.strip())
    if match is None:
        message = f"`--size` must be a number of pixels, or two as in `32x48`, not `{text}`."
        raise SettingError(message)
    height, width = match.groups()
    return (int(height), int(width)) if width else int(height)
