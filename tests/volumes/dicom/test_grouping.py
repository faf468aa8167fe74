"""Acquisition numbers separate images only where these lie at the same place."""

from pathlib import Path

from iunet_med.volumes.dicom.grouping import split_series
from iunet_med.volumes.dicom.headers import Frame


def frame(height: float, acquisition: str, orientation: tuple[float, ...] | None = (1.0, 0, 0, 0, 1.0, 0)) -> Frame:
    return Frame(Path("x"), None, (4, 5), (0, 0, height), orientation, (1.0, 1.0), ("AXIAL", ""), (acquisition, ""))


def test_acquisitions_along_the_table_stay_one_volume() -> None:
    assert [len(group) for group in split_series([frame(height, str(height)) for height in (2, 0, 1)])] == [3]


def test_acquisitions_at_the_same_place_are_two() -> None:
    groups = split_series([frame(height, text) for text in "ab" for height in (1, 0)])
    assert [[one.repeat[0] for one in group] for group in groups] == [["a", "a"], ["b", "b"]]
    assert [[one.position for one in group] for group in groups] == [[(0, 0, 0), (0, 0, 1)]] * 2


def test_an_image_without_orientation_is_not_lost_unseen() -> None:
    assert [len(group) for group in split_series([frame(0, ""), frame(1, ""), frame(2, "", None)])] == [3]
