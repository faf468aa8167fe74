"""The thinnest reconstruction of each scan is taken; phases and scans without numbers stay apart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import generate_uid

from iunet_med.volumes.dicom import choose_series, find_series, slice_step_mm

STUDY, FRAME = generate_uid(), generate_uid()


@pytest.fixture
def study(tmp_path: Path, write: Callable[..., list[Path]], at: Callable[..., Any]) -> Path:
    """Thick and thin of the arterial phase, whose acquisition number the venous phase repeats."""
    for text, step, time, acquisition in (
        ("arterial 5 mm", 5.0, "101500.10", "2"),
        ("arterial 1 mm", 1.0, "101501.30", "2"),
        ("venous 2 mm", 2.0, "101545.00", "2"),
        ("no number", 3.0, "101500.10", ""),
    ):
        changes = {"SeriesDescription": text, "FrameOfReferenceUID": FRAME, "AcquisitionTime": time}
        places = [at(number, step) for number in range(4)]
        write(tmp_path / text, at=places, uids=(STUDY, generate_uid()), AcquisitionNumber=acquisition, **changes)
    return tmp_path


def test_of_each_scan_the_thinnest(study: Path) -> None:
    found = find_series(study).series
    kept, left = choose_series(found, "thinnest")
    assert sorted(one.description for one in kept) == ["arterial 1 mm", "no number", "venous 2 mm"]
    ((other, why),) = left
    thin = next(one for one in kept if one.description == "arterial 1 mm")
    assert other.description == "arterial 5 mm"
    assert why == f"is a reconstruction of the same scan as {thin.key}, 5 mm to its 1 mm"
    assert slice_step_mm(thin) == pytest.approx(1.0, abs=1e-6)


def test_all_a_pattern_and_a_key(study: Path) -> None:
    found = find_series(study).series
    assert choose_series(found, "all") == (found, [])
    kept, left = choose_series(found, "ARTERIAL*")
    assert {one.description for one in kept} == {"arterial 1 mm", "arterial 5 mm"}
    assert {why for _, why in left} == {"does not fit --series ARTERIAL*"}
    assert [one.key for one in choose_series(found, found[0].key)[0]] == [found[0].key]


def test_a_pattern_that_fits_none_names_no_patient(study: Path) -> None:
    found = find_series(study).series
    with pytest.raises(ValueError, match=r"--series portal: expected all, thinnest, or a pattern") as error:
        choose_series(found, "portal")
    assert "arterial" not in str(error.value)
    with pytest.raises(ValueError, match="arterial 5 mm"):
        choose_series(found, "portal", show_descriptions=True)
