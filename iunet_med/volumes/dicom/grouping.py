"""Images under one series UID are separated into volumes, and copies of a file are set aside."""

import filecmp
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from iunet_med.volumes.dicom.geometry import (
    ORIENTATION_TOLERANCE,
    SAME_PLACE_MM,
    has_geometry,
    heights,
    sorted_by_position,
)
from iunet_med.volumes.dicom.headers import Frame, Header


def drop_copies(headers: Iterable[Header]) -> dict[Path, Path]:
    """Map each file that repeats another one to the one that is kept.

    A copy says the same of its images, and has the same instance UID or is the same to the byte.
    """
    copies: dict[Path, Path] = {}
    kept: dict[tuple[Frame, ...], list[Header]] = defaultdict(list)
    for header in sorted(headers, key=lambda header: header.path):
        alike = kept[tuple(replace(frame, path=Path()) for frame in header.frames)]
        for other in alike:
            same_instance = header.instance and header.instance == other.instance
            if same_instance or filecmp.cmp(header.path, other.path, shallow=False):
                copies[header.path] = other.path
                break
        else:
            alike.append(header)
    return copies


def split_series(frames: Iterable[Frame]) -> list[list[Frame]]:
    """Separate a series' images into volumes, each sorted along its normal.

    Images without position, orientation or spacing stay with the others of their kind, so that none is lost unseen:
    reading refuses such a volume.
    """
    volumes: list[list[Frame]] = []
    for alike in _grouped(frames, lambda frame: (frame.size, frame.kind)):
        if not all(map(has_geometry, alike)):
            volumes.append(sorted_by_position(alike))
            continue
        for parallel in _parallel(alike):
            volumes += map(sorted_by_position, _repeats(parallel))
    return volumes


def _grouped(frames: Iterable[Frame], key: Callable[[Frame], Hashable]) -> list[list[Frame]]:
    groups = defaultdict(list)
    for frame in frames:
        groups[key(frame)].append(frame)
    return list(groups.values())


def _parallel(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Group images whose orientation and pixel spacing agree with those of the group's first one."""
    groups: list[list[Frame]] = []
    for frame in frames:
        mine = np.array([*(frame.orientation or ()), *(frame.spacing or ())])
        for group in groups:
            first = np.array([*(group[0].orientation or ()), *(group[0].spacing or ())])
            if np.allclose(mine, first, rtol=0, atol=ORIENTATION_TOLERANCE):
                group.append(frame)
                break
        else:
            groups.append([frame])
    return groups


def _repeats(frames: list[Frame]) -> list[list[Frame]]:
    """Tell images at the same place apart by the first of acquisition, time, echo time and b-value that can."""
    if not _share_places(frames):
        return [frames]
    for number in range(len(frames[0].repeat)):
        groups = _grouped(frames, lambda frame, number=number: frame.repeat[number])  # type: ignore[misc]
        if all(len(group) > 1 and not _share_places(group) for group in groups):
            return groups
    return [frames]


def _share_places(frames: Sequence[Frame]) -> bool:
    return bool((np.diff(np.sort(heights(frames))) < SAME_PLACE_MM).any())
