import io
import os
import signal
import sys
from collections.abc import Collection
from importlib import import_module
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from lenet._version import __version__
from lenet.cli._command import QuickCommand, QuickGroup, Stopped
from lenet.cli._console import (
    drop_output,
    forget_logs,
    output_errors,
    print_error,
    print_notice,
    warn_on_stderr,
)
from lenet.core import hide_secrets, nearest_name
from lenet.errors import (
    Interrupted,
    LenetError,
    MissingExtraError,
    SettingError,
    StorageError,
)
from lenet.training import find_place, leave, speaker

_DEBUG = "--debug"  # taken wherever it stands
_TELL_THEMSELVES = ("train", "doctor")  # what the log warns of
# What PyTorch, threads and the loader of libraries say where there is none.
_NO_MEMORY = (
    *("can't allocate memory", "cannot allocate memory", "out of memory"),
    *("can't start new thread", "failed to map segment"),
)

_COMMANDS = {  # in the order of the help, with the file of each
    "train": "train",
    "predict": "predict",
    "evaluate": "evaluate",
    "inspect": "inspect",
    "lab": "lab",
    "report": "evaluate",
    "export": "export",
    "runs": "runs",
    "serve": "serve",
    "compare": "compare",
    "sweep": "sweep",
    "data": "data",
    "summary": "summary",
    "bench": "doctor",
    "doctor": "doctor",
}


def build_app(names: Collection[str] = _COMMANDS.keys()) -> typer.Typer:
    """The command line with some commands, whose files alone are imported; by default with all."""
    app = typer.Typer(
        cls=QuickGroup,
        help="Train, understand and ship a small image classifier.",
        epilog="Begin with `lenet train`: it leaves a run folder to go on from.",
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(options)
    for name in names:
        file = import_module(f"lenet.cli.{_COMMANDS[name]}")
        if name == "data":
            app.add_typer(file.app, name=name)
        else:
            app.command(cls=QuickCommand)(getattr(file, name))
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lenet {__version__}")
        raise typer.Exit


def options(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option(_DEBUG, help="Show where in the code an error came from.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        return
    warn_on_stderr("lenet.datasets")
    warn_on_stderr("lenet.kernels", is_on=context.invoked_subcommand not in _TELL_THEMSELVES)
    place = find_place()
    if place and place.size > 1 and context.invoked_subcommand != "train":
        command = f"lenet {context.invoked_subcommand}"
        message = f"`{command}` does not share its work between processes; leave out `torchrun`."
        raise SettingError(message)


def main() -> NoReturn:
    """Run the command line; an error is one line, and its class decides the exit code."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that can't be shown is no error
            stream.reconfigure(errors="replace")
    arguments = [argument for argument in sys.argv[1:] if argument != _DEBUG]
    signal.signal(signal.SIGINT, _leave_at_once)
    number = None
    try:
        _see_that_we_are_somewhere()
        # Of a command that is named at once, no other one is made ready.
        app = build_app(arguments[:1] if set(arguments[:1]) & set(_COMMANDS) else _COMMANDS)
        code = app(arguments, standalone_mode=False) or 0
        with output_errors():
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        drop_output()
        sys.exit(1)
    except Exception as error:
        if _DEBUG in sys.argv:
            raise
        stop = error.__cause__ if isinstance(error, Stopped) else error
        number = stop.number if isinstance(stop, Interrupted) else None
        code = _report(stop or error)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        forget_logs()
    leave(code)
    if number == signal.SIGINT:  # the process dies of it then; only so does a shell end its loop
        sys.excepthook = lambda *_: None  # it is told already
        raise KeyboardInterrupt
    sys.exit(code)


def _open_what_is_closed() -> None:
    """Let streams that a parent closed, as `>&-` does, be those of nobody.

    Otherwise a file that is opened next has their number, and gets what is meant for them.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))


def _see_that_we_are_somewhere() -> None:
    """Raise where somebody has removed the folder that the process was started in."""
    try:
        os.getcwd()
    except FileNotFoundError:
        message = "The folder that you are in is no longer there; go to another one (`cd`)."
        raise StorageError(message) from None


def _leave_at_once(number: int, frame: FrameType | None) -> NoReturn:
    """Answer Ctrl-C outside of a training, where nothing can be lost.

    An exception would surface wherever the program is, in the middle of an import for example, and
    be taken for something else or be swallowed there.
    """
    if os.environ.get("RANK", "0") == "0":  # of several processes, one tells
        os.write(2, b"Interrupted.\n")
    if sys.platform != "win32" and find_place() is None:  # it dies of it, as at the end of `main`
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    os._exit(Interrupted.exit_code)


def _report(error: BaseException) -> int:
    """Print an error that a person can act on and give its exit code; raise any other anew."""
    who = speaker(error)
    if who is None:  # another process of the same training tells
        return int(getattr(error, "exit_code", LenetError.exit_code))
    if isinstance(error, Interrupted):
        print_notice(f"{who}{error}")
        return error.exit_code
    no_memory = MemoryError, RuntimeError, ImportError, MissingExtraError
    if isinstance(error, no_memory) and _is_out_of_memory(error):
        print_error(f"{who}There is not enough memory for this.")
        return LenetError.exit_code
    if isinstance(error, LenetError):
        print_error(f"{who}{error}")
        return error.exit_code
    if isinstance(error, ModuleNotFoundError) and error.name == "torch":
        error = MissingExtraError("This", package="torch")
        print_error(f"{who}{error}")
        return error.exit_code
    # The parser's errors; typer has moved their class, so they are known by their method.
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        print_error(f"{who}{_usage_message(error)}")
        return int(error.exit_code)
    if isinstance(error, OSError):
        name = f"`{error.filename}`: " if error.filename else ""
        print_error(f"{who}{name}{error.strerror or error}.")
        return LenetError.exit_code
    raise error


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error came of one of those for which there are many classes, or of none."""
    while error is not None:
        said = str(error).lower()
        if isinstance(error, MemoryError) or any(words in said for words in _NO_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False


def _usage_message(error: Any) -> str:
    """A parser's error with the nearest option and where to read on."""
    message = hide_secrets(error.format_message().replace("Value error, ", ""))  # it may be logged
    context = getattr(error, "ctx", None)
    if option := getattr(error, "option_name", None) if hasattr(error, "possibilities") else None:
        near = nearest_name(option, _long_options(context))
        message = f"No such option `{option}`." + (f" Did you mean `{near}`?" if near else "")
    if not message.endswith((".", "?")):
        message += "."
    return f"{message} See `{context.command_path} --help`." if context else message


def _long_options(context: Any) -> list[str]:
    parameters = context.command.params if context else []
    options = [name for one in parameters for name in (*one.opts, *one.secondary_opts)]
    return [name for name in options if name.startswith("--")]
