"""Reads configs once nothing in them can run unasked, and puts what a user named into them as plain values."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from monai.bundle import ConfigParser
from monai.bundle.utils import merge_kv

from iunet_med.checks.file import Modality
from iunet_med.datasets import Layout
from iunet_med.datasets.problems import first_cause
from iunet_med.inference.trust import check_trusted


def read_configs(files: Sequence[Path], *, trust: bool) -> ConfigParser:
    """Read JSON configs, the later ones laid over the first as MONAI does it: `::` in an id leads into another.

    Args:
        files: the paths; each is read once, so that what was checked is what is used.
        trust: whether configs may run code that this project did not ship.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is no JSON object, or could run code and `trust` is not set; its id and text are told.
    """
    parser = ConfigParser({})
    for file in files:
        content = file.read_bytes()
        config = _json_object(file, content)
        if not trust:
            check_trusted(file, content, config)
        for name, value in config.items():
            try:
                merge_kv(parser, name, value)
            except (KeyError, IndexError, ValueError, TypeError) as error:
                raise ValueError(
                    f"{file} sets {name}, and the config has no such id ({error}); see its ids."
                ) from error
    return parser


def read_metadata(file: Path) -> dict[str, Any]:
    """Read a bundle's metadata.json, whose texts are never put into a config.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON object.
    """
    return _json_object(file, file.read_bytes())


def set_plain(parser: ConfigParser, values: Mapping[str, str]) -> None:
    """Set config ids to texts that stay what they are.

    Everything that a user names, a path above all, is set by this function.
    """
    for name, text in values.items():
        parser[name] = plain(text)


def plain(text: str) -> str:
    """Return what a config holds in place of a text, so that the text stays what it is.

    MONAI evaluates a text that begins with `$`, puts other values for `@id` and other files for `%file` into it, and
    changes `#` to `::`. So it becomes an expression of hexadecimal digits, which has none of these signs.
    """
    digits = text.encode("utf-8", "surrogatepass").hex()
    return f"$bytes.fromhex('{digits}').decode('utf-8', 'surrogatepass')"


def image_modality(metadata: Mapping[str, Any]) -> Modality | None:
    """Return what a bundle's images are; None where its metadata does not say CT or MR."""
    image = metadata.get("network_data_format", {}).get("inputs", {}).get("image", {})
    return image["modality"] if image.get("modality") in ("CT", "MR") else None


def layout_of(parser: ConfigParser) -> Layout:
    """Build a config's `layout`.

    Raises:
        ValueError: it cannot be built, or is something else.
        OSError: what it describes cannot be read.
    """
    try:
        layout = parser.get_parsed_content("layout")
    except Exception as error:  # configs build anything, which can fail in any way
        if isinstance(cause := first_cause(error), ValueError | OSError):
            raise cause from error
        raise ValueError(f"the config's layout cannot be built: {in_words(error)}") from error
    if not hasattr(layout, "regions"):
        raise ValueError(
            f"the config's layout is {layout!r}; expected one of iunet_med.datasets, such as FolderLayout."
        )
    return cast(Layout, layout)


def in_words(error: BaseException) -> str:
    """Say what an error's first cause is, with its kind where its text alone does not tell."""
    cause = first_cause(error)
    return str(cause) if isinstance(cause, ValueError | RuntimeError) else f"{type(cause).__name__}: {cause}"


def _json_object(file: Path, content: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(content))
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{file} is not a JSON object ({error}); correct it.") from error
