"""What a path holds: images, DICOM, or neither."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from iunet_med.datasets.kinds import fits
from iunet_med.datasets.walk import walk
from iunet_med.volumes import ENDINGS


def data_folder(given: Path, series: Mapping[str, str] | None) -> str:
    """The folder that a layout is to be found for, empty where `given` is something else or is told by patterns."""
    return str(given) if not series and given.is_dir() and has_images(given) else ""


def has_images(folder: Path) -> bool:
    """Return True if a folder holds image files or a task of the Decathlon: then no DICOM is looked for."""
    return (folder / "dataset.json").exists() or any(True for _ in images_in(folder))


def maps_files(given: Path, patterns: Mapping[str, str]) -> bool:
    """Return True if patterns of modalities mean the files of a folder, and not series of DICOM."""
    if not given.is_dir():
        return False
    images = list(images_in(given))
    fitting = any(fits(path, pattern, given) for path in images for pattern in patterns.values())
    return bool(images) and (fitting or not has_dicom(given))


def images_in(root: Path) -> Iterator[Path]:
    """Yield the image files below a folder, NIfTI, NRRD and MetaImage."""
    for folder, _, names in walk(root):
        yield from (folder / name for name in names if name.lower().endswith(ENDINGS))


def has_dicom(root: Path) -> bool:
    """Return True if a file below a folder is DICOM."""
    others = (folder / name for folder, _, names in walk(root) for name in names if not name.lower().endswith(ENDINGS))
    return any(_is_dicom(path) for path in others)


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def is_dicom_file(path: Path) -> bool:
    """Return True for a file of DICOM, whatever its name."""
    return os.path.isfile(path) and not path.name.lower().endswith(ENDINGS) and _is_dicom(path)
