"""One case to segment: its name, and its files or series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Source:
    """One case to segment.

    Args:
        name: safe as a folder's name, and the case's own.
        files: for each modality its file, or `WHOLE` and one file.
        channels: the modalities of `WHOLE`'s channels; empty where they come in the network's order.
        series: for each modality its DICOM series, where it is not one of `files`.
        problem: why the case cannot be run; empty if it can.
        patient: the patient's number that DICOM files bear, for the user's own table alone; None for other files.
    """

    name: str
    files: Mapping[str, Path]
    channels: tuple[str, ...] = ()
    series: Mapping[str, Any] | None = None
    problem: str = ""
    patient: str | None = None

    def present(self, modalities: Sequence[str]) -> list[str]:
        """Those of a network's modalities that the case has, in their order; all of them where one file holds them."""
        return [name for name in modalities if name in self.files or name in (self.series or {})] or list(modalities)


def inputs_of(source: Source, root: Path) -> dict[str, str]:
    """Say for each modality what was taken for it: the file's path below `root`, or the key of the DICOM series."""
    roots = (root, root.resolve())
    files = {
        name: next((path.relative_to(base).as_posix() for base in roots if path.is_relative_to(base)), path.name)
        for name, path in source.files.items()
    }
    return files | {name: one.key for name, one in (source.series or {}).items()}
