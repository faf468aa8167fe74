"""Refuses options of `python -m monai.bundle run` that name nothing in the configs: MONAI takes them without a word."""

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from fire.parser import DefaultParseValue
from monai.bundle import ConfigParser, ConfigWorkflow, ReferenceResolver, create_workflow, run
from monai.bundle.utils import DEFAULT_EXP_MGMT_SETTINGS

COMMANDS = (run, create_workflow, ConfigWorkflow)
"""Where the command's own options, such as --config_file, come from."""


def check_overrides() -> None:
    """Compare this program's options with the ids of its config files; for a bundle's `initialize`.

    An option within a part with a `_target_` is left to the part, which refuses arguments that it does not know.
    Programs other than MONAI's command are not looked at.

    Raises:
        ValueError: names each option that no config has, and the ids that are nearest to it.
    """
    if Path(sys.argv[0]).parts[-3:] != ("monai", "bundle", "__main__.py"):
        return
    options = read_options(sys.argv[2:])
    if "args_file" in options:
        options = ConfigParser.load_config_files(options["args_file"]) | options
    if "config_file" not in options:
        return
    config = ConfigParser.load_config_files(options["config_file"]) | _tracking(options.get("tracking"))
    own = {name for command in COMMANDS for name in inspect.signature(command).parameters}
    ids = {ReferenceResolver.normalize_id(option) for option in options if option not in own}
    if unknown := sorted(id for id in ids if not _is_known(id, ConfigParser(config), ids)):
        raise ValueError("; ".join(_refusal(id, config) for id in unknown))


def read_options(arguments: Sequence[str]) -> dict[str, Any]:
    """Read options as Fire does, which MONAI's command is made of: --key value, --key=value, --key and --nokey."""
    options: dict[str, Any] = {}
    before_flags = arguments[: arguments.index("--")] if "--" in arguments else arguments
    for argument, following in zip(before_flags, [*before_flags[1:], "--"], strict=True):
        if not argument.startswith("--"):
            continue
        name, equals, value = argument.lstrip("-").partition("=")
        name = name.replace("-", "_")
        if equals or not following.startswith("--"):
            options[name] = DefaultParseValue(value if equals else following)
        else:
            options[name.removeprefix("no")] = not name.startswith("no")
    return options


def _tracking(tracking: Any) -> dict[str, Any]:
    """The ids that MONAI adds for the tracking of experiments."""
    if not tracking:
        return {}
    settings = DEFAULT_EXP_MGMT_SETTINGS.get(str(tracking)) or ConfigParser.load_config_files(tracking)
    return dict(settings.get("configs", {}))


def _is_known(id: str, parser: ConfigParser, given: set[str]) -> bool:
    """Return True if a config has the id, a part may take it as an argument, or what it is in was given as well."""
    whole, _ = ReferenceResolver.split_id(id, last=True)
    within = parser[whole] if whole and whole in parser else None
    is_argument = isinstance(within, dict) and "_target_" in within
    return id in parser or is_argument or id.startswith("_meta_") or any(id.startswith(f"{one}::") for one in given)


def _refusal(id: str, config: Mapping[str, Any]) -> str:
    near = get_close_matches(
        id, [known for known in _ids(config) if "_desc" not in known and not known[-1].isdigit()], n=3
    )
    cure = f"did you mean {' or '.join(f'--{one}' for one in near)}?" if near else "see the config's ids"
    return f"The configs have no id --{id}: {cure}"


def _ids(config: Any, prefix: str = "") -> Iterator[str]:
    """All ids of a config, the outer ones first."""
    items = config.items() if isinstance(config, Mapping) else enumerate(config) if isinstance(config, list) else ()
    children = [(f"{prefix}{key}", value) for key, value in items]
    yield from (id for id, _ in children)
    for id, value in children:
        yield from _ids(value, f"{id}::")
