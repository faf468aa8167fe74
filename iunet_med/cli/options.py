"""Options of the form NAME=VALUE."""

import typer


def pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    """Return the values of a repeatable option by their names."""
    split = [text.partition("=") for text in texts or []]
    if wrong := [name for name, sign, value in split if not (name and sign and value)]:
        raise typer.BadParameter(f"expected {option} NAME=VALUE, got {option} {wrong[0]}.")
    return {name: value for name, _, value in split}
