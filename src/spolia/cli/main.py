"""The program ``spolia``: its commands, and what every failure returns."""

import sys
import traceback
import warnings
from typing import Annotated, Any, TextIO

import typer

from spolia.cli.attack import attack
from spolia.cli.audit import audit
from spolia.cli.card import card
from spolia.cli.demo import demo
from spolia.cli.diff import diff
from spolia.cli.doctor import doctor
from spolia.cli.embed import embed
from spolia.cli.identity import identity
from spolia.cli.join import join
from spolia.cli.lab import lab
from spolia.cli.purge import purge
from spolia.cli.report import report
from spolia.cli.review import review
from spolia.cli.search import search
from spolia.cli.split import split
from spolia.cli.sweep import study
from spolia.cli.verify import verify
from spolia.core.errors import SpoliaError

_FAILED = 3

app = typer.Typer(
    name="spolia",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from spolia.core.version import VERSION

        typer.echo(f"spolia {VERSION}")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 nothing found · 1 leakage found · 2 wrong call · 3 failed or "
    "incomplete · 4 inconclusive, or no control.\n\nExample: "
    "`spolia audit train/ synthetic/ --control control/ --out run`"
)
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Say what a synthetic image set gives away of its training images.

    spolia compares a synthetic set with the images its generator was trained on and with a control
    it was not trained on, and says what leaked at a controlled error rate.
    """


_COMMANDS = (
    demo,
    audit,
    identity,
    search,
    embed,
    join,
    report,
    review,
    diff,
    split,
    study,
    verify,
    purge,
    doctor,
)
for _command in _COMMANDS:
    app.command(no_args_is_help=_command not in (demo, doctor))(_command)
app.add_typer(card, name="card")
app.add_typer(lab, name="lab")
app.add_typer(attack, name="attack")


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code.

    A failure that is not spolia's own must not look like a finding (1): it returns 3.
    """
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            result: Any = app(args=arguments, standalone_mode=False)
    except SpoliaError as error:
        from spolia.cli.console import say

        say(f"error: {error}", style="red")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted; the same command with the same --out goes on from here\n")
        return _FAILED
    except BrokenPipeError:
        return _FAILED
    except OSError as error:
        sys.stderr.write(f"error: the system refused: {error}\n")
        return _FAILED
    except Exception as error:
        return unexpected(error)
    return result if isinstance(result, int) else 0


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning as a message, without the line of the code that it comes from."""
    del category, filename, lineno, file, line
    from spolia.cli.console import say

    say(f"warning: {message}", style="yellow")


def unexpected(error: Exception) -> int:
    """Show an error that is not spolia's own and return its exit code, which is never 1."""
    # Usage errors of the command-line library show themselves and know their exit code.
    if hasattr(error, "show") and hasattr(error, "exit_code"):
        error.show()
        return int(error.exit_code)
    traceback.print_exc()
    sys.stderr.write("this is a bug in spolia; please report the lines above\n")
    return _FAILED


def main() -> None:
    """Run the program."""
    sys.exit(run())
