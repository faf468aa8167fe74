"""Series are found by what the files say; what is none is listed with its reason, whatever it is."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.uid import SecondaryCaptureImageStorage, generate_uid

from iunet_med.volumes.dicom import find_series

Write = Callable[..., list[Path]]


def test_files_are_sorted_by_position(tmp_path: Path, write: Write) -> None:
    files = write(tmp_path)
    (series,) = find_series(tmp_path).series
    assert list(series.files) == files
    assert (series.modality, series.description) == ("CT", "Secret T1 GD")


def test_mixed_series_and_echoes_are_told_apart(tmp_path: Path, write: Write) -> None:
    study = generate_uid()
    first, second = (study, generate_uid()), (study, generate_uid())
    groups = [
        write(tmp_path / "a", uids=first, EchoNumbers=1),
        write(tmp_path / "b", uids=first, EchoNumbers=2),
        write(tmp_path / "c", uids=second, AcquisitionNumber=1),
        write(tmp_path / "d", uids=second, AcquisitionNumber=2),
    ]
    flat = [[path.rename(tmp_path / f"{n}-{path.name}") for path in files] for n, files in enumerate(groups)]
    found = find_series(tmp_path)
    assert sorted(one.files for one in found.series) == sorted(map(tuple, flat))
    assert len({one.key for one in found.series}) == 4
    assert len({one.study for one in found.series}) == 1


def test_empty_uids_survive_and_keys_do_not_depend_on_the_place(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "here/x", uids=("", ""))
    write(tmp_path / "here/y", uids=("", ""))
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    here, there = (find_series(tmp_path / name).series for name in ("here", "there"))
    assert [len(one.files) for one in here] == [6, 6]
    assert [one.key for one in here] == [one.key for one in there]


def test_copies_are_dropped_and_listed(tmp_path: Path, write: Write) -> None:
    files = write(tmp_path / "a")
    shutil.copy(files[0], tmp_path / "b")
    found = find_series(tmp_path)
    assert [len(one.files) for one in found.series] == [6]
    assert [(item.path.name, item.reason) for item in found.left_out] == [("b", f"is a copy of a/{files[0].name}")]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "Secondary Capture Image Storage"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "is a localiser"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "convert it to MONOCHROME2"),
        ({"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, "is a colour image"),
        ({"Rows": 0}, "Rows or Columns is missing or zero"),
        ({"NumberOfFrames": 6}, "does not say where each lies"),
    ],
)
def test_other_objects_are_left_out(tmp_path: Path, write: Write, changes: dict[str, object], reason: str) -> None:
    write(tmp_path, **changes)
    found = find_series(tmp_path)
    assert found.series == []
    assert len(found.left_out) == 6
    assert all(reason in item.reason for item in found.left_out)


def test_hostile_files_are_left_out(tmp_path: Path, write: Write) -> None:
    files = write(tmp_path / "series")
    (tmp_path / "text.dcm").write_text("no image" * 100)
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "cut.dcm").write_bytes(files[0].read_bytes()[:300])
    (tmp_path / "noise.dcm").write_bytes(bytes(128) + b"DICM" + bytes(range(256)) * 4)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "DICOMDIR").touch()
    counted: list[None] = []
    found = find_series(tmp_path, on_file=lambda: counted.append(None))
    assert [len(one.files) for one in found.series] == [6]
    assert len(counted) == 12
    assert [item.path.name for item in found.left_out] == [
        "cut.dcm", "empty.dcm", "gone", "noise.dcm", "pipe", "text.dcm",
    ]  # fmt: skip
    assert not [item for item in found.left_out if "ecret" in item.reason]


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no .*nowhere"):
        find_series(tmp_path / "nowhere")


def test_the_patients_number_is_held_and_not_shown(tmp_path: Path, write: Callable[..., list[Path]]) -> None:
    write(tmp_path)
    (series,) = find_series(tmp_path).series
    assert series.patient_number == "SECRET-ID"
    assert "SECRET" not in repr(series).replace(str(tmp_path), "")
