import os
import sys
from typing import Annotated, Any, NoReturn

import typer

from lenet._version import __version__
from lenet.cli._console import print_error
from lenet.cli.evaluate import evaluate
from lenet.cli.runs import runs
from lenet.cli.summary import summary
from lenet.cli.train import train
from lenet.errors import LenetError

_INTERRUPTED = 130

app = typer.Typer(
    help="Train, understand and ship a small image classifier.",
    epilog="Begin with `lenet train`: two minutes later there is a run folder to go on from.",
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train)
app.command()(evaluate)
app.command()(runs)
app.command()(summary)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lenet {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where in the code an error came from.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> NoReturn:
    """Run the command line; an error is one line, and its class decides the exit code."""
    try:
        app(standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        print_error("Interrupted.")
        sys.exit(_INTERRUPTED)
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        sys.exit(_report(error))
    sys.exit(0)


def _report(error: Exception) -> int:
    """Print an error that a person can act on and give its exit code; raise any other anew."""
    if isinstance(error, LenetError):
        print_error(str(error))
        return error.exit_code
    # The parser's errors; typer has moved their class, so they are known by their method.
    if hasattr(error, "format_message") and hasattr(error, "exit_code"):
        print_error(_usage_message(error))
        return int(error.exit_code)
    if isinstance(error, (OSError, MemoryError)):
        print_error(str(error) or type(error).__name__)
        return LenetError.exit_code
    raise error


def _usage_message(error: Any) -> str:
    """A parser's error with the nearest option and where to read on."""
    message = error.format_message().replace("Value error, ", "")
    near = getattr(error, "possibilities", None)
    if near and "Did you mean" not in message:
        message = f"No such option `{error.option_name}`. Did you mean `{sorted(near)[0]}`?"
    if not message.endswith((".", "?")):
        message += "."
    context = getattr(error, "ctx", None)
    return f"{message} See `{context.command_path} --help`." if context else message
