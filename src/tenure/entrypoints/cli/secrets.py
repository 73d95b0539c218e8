"""Secrets that a person types: never echoed, never an argument, which every user of the machine can read (ps)."""

import sys

import typer


def password(what: str, *, confirm: bool = False) -> str:
    """Return a secret: asked for at a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, confirmation_prompt=confirm, err=True))
    return sys.stdin.readline().rstrip("\r\n")
