"""What the commands of carriers share about messages whose end nobody told."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def unknown_options(command: Command) -> Command:
    """Let a command say what is done about messages whose end nobody told."""
    command = click.option(
        "--idempotent/--not-idempotent",
        default=None,
        help="Whether the carrier takes a submit that comes again (same user_message_reference) once.",
    )(command)
    return click.option(
        "--on-unknown",
        multiple=True,
        metavar="[KIND=]POLICY",
        help="What is done about messages whose end it never told: hold, resend:60x2 (after 60 s, twice at most),"
        " query:300x5 or give-up:3600; for one kind as alert=hold or marketing=resend:60x1. Repeatable.",
    )(command)
