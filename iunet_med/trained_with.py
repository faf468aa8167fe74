"""What inference has to repeat of a training, kept in a small JSON file beside the weights: model.pt, model.json."""

import hashlib
import json
import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from iunet_med.files import add_file, replacing

logger = logging.getLogger(__name__)


def keep_settings(weights: str | Path, settings: Mapping[str, Any]) -> None:
    """Write settings beside the weights that they belong to, with the hash of these."""
    with replacing(_beside(weights)) as temporary:
        text = json.dumps({**settings, "weights_sha256": _digest(Path(weights))}, indent=4)
        temporary.write_text(text + "\n", encoding="utf-8")


def trained_with(weights: str | Path, name: str, default: Any) -> Any:
    """Return the setting `name` that weights were trained with, or the default where nothing is kept about them.

    A file that belongs to other weights is left aside with a warning.

    Raises:
        ValueError: the file is damaged.
    """
    path, weights = _beside(weights), Path(weights)
    if not (path.is_file() and weights.is_file()):
        return default
    return _settings(path, path.stat().st_mtime, weights, weights.stat().st_mtime).get(name, default)


@lru_cache(maxsize=1)
def _settings(path: Path, _written: float, weights: Path, _trained: float) -> Mapping[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        digest = settings["weights_sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: expected the settings of a training in JSON with weights_sha256, found no such thing "
            f"({error!r}); restore it, or delete it to use the config's own settings."
        ) from error
    if digest != _digest(weights):
        logger.warning(
            "%s belongs to other weights than %s; the config's own spacing, windows and channels are used. Delete it, "
            "or put back the one that was written with these weights.",
            path,
            weights,
        )
        return {}
    return dict(settings)


def _beside(weights: str | Path) -> Path:
    return Path(weights).with_suffix(".json")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    add_file(digest, path)
    return digest.hexdigest()
