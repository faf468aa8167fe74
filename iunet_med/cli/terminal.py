"""What the commands share: messages, errors without tracebacks, and progress bars."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

messages = Console(stderr=True)


@contextmanager
def clear_errors(status: int = 1) -> Iterator[None]:
    """Print what the library says about bad input, without a traceback, and exit with a status."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        messages.print(f"[bold red]Error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise typer.Exit(status) from error


def progress_bar() -> Progress:
    """Make a bar that tells what is done, how much of it, and how long the rest will take."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=messages)
