"""Files of an earlier run, where a case fails: they stay or are set aside, and none is deleted."""

import os
from collections.abc import Iterable
from pathlib import Path

from iunet_med.inference.results.sidecar import read_sidecar, sidecar_path

ASIDE = "earlier"
"""The folder in a case's folder that holds what was set aside."""


def keep_earlier(output: Path, case: str, *, files: Iterable[str], inputs_sha256: str) -> str:
    """Keep what a failed case has of an earlier run, and say in a sentence where; "" if there is nothing.

    Those of `files` that are of the same inputs stay where they lie; others are set aside, so that they do not stand
    for this run.
    """
    folder = output / case
    names = [name for name in files if (folder / name).exists()]
    if not names:
        return ""
    older = read_sidecar(output, case)
    if older and inputs_sha256 and older.made_by.get("inputs_sha256") == inputs_sha256:
        return f"the files {', '.join(names)} are of an earlier run with the same images, and were kept"
    set_aside(folder, [*names, sidecar_path(output, case).name])
    return f"the files {', '.join(names)} are of an earlier run with other images, and were moved to {case}/{ASIDE}"


def set_aside(folder: Path, names: Iterable[str]) -> None:
    """Move those files of a case's folder that exist to a folder in it, over what was set aside before."""
    for name in names:
        if (folder / name).exists():
            (folder / ASIDE).mkdir(exist_ok=True)
            os.replace(folder / name, folder / ASIDE / name)
