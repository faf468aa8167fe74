"""A written segmentation says of each voxel of the source series what the label map says, to every reader."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom import config
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from iunet_med.inference.results.dicom_seg import write_dicom_seg
from iunet_med.volumes.dicom import find_series, read_series

SHARED_DATA = Path(os.environ.get("IUNET_MED_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
SHAPE = (10, 8, 5)  # columns, rows, slices; frames of whole bytes, as ITK needs them
SPACING = (0.8, 1.1, 2.5)
TURN = nib.eulerangles.euler2mat(0.2, -0.1, 0.3)
ORIGIN = np.array([-20.0, 35, 110])
NAMES = {2: "necrotic core", 5: "oedema", 9: "never there"}
RAS = np.diag([-1.0, -1, 1, 1])


def series() -> list[pydicom.Dataset]:
    """Five oblique slices, as a scanner writes them but for their pixels' sense."""
    study, stack, frame = (generate_uid() for _ in range(3))
    slices = []
    for number in range(SHAPE[2]):
        item = pydicom.Dataset()
        item.file_meta = pydicom.dataset.FileMetaDataset()
        item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        item.SOPClassUID, item.SOPInstanceUID = CTImageStorage, generate_uid()
        item.StudyInstanceUID, item.SeriesInstanceUID, item.FrameOfReferenceUID = study, stack, frame
        item.PatientName, item.PatientID, item.PatientBirthDate, item.PatientSex = "Sim^One", "1", "", ""
        item.StudyDate = item.StudyTime = item.AccessionNumber = item.StudyID = ""
        item.ReferringPhysicianName, item.PositionReferenceIndicator = "", ""
        item.Modality, item.SeriesNumber, item.InstanceNumber = "CT", 3, number + 1
        item.ImagePositionPatient = [*map(float, ORIGIN + TURN[:, 2] * SPACING[2] * number)]
        item.ImageOrientationPatient = [*map(float, TURN[:, 0]), *map(float, TURN[:, 1])]
        item.PixelSpacing, item.SliceThickness = [SPACING[1], SPACING[0]], SPACING[2]
        item.Columns, item.Rows, item.BitsAllocated, item.BitsStored, item.HighBit = *SHAPE[:2], 16, 16, 15
        item.SamplesPerPixel, item.PhotometricInterpretation, item.PixelRepresentation = 1, "MONOCHROME2", 1
        item.PixelData = np.full(SHAPE[1::-1], number, np.int16).tobytes()
        slices.append(item)
    return slices


def grid() -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = TURN @ np.diag(SPACING), ORIGIN
    return RAS @ affine


def label() -> np.ndarray:
    drawn = np.zeros(SHAPE, np.uint8)
    drawn[1:4, 2:6, 1:3] = 2
    drawn[5:8, 1:3, 2:5] = 5
    return drawn


def frames(path: Path) -> dict[tuple[int, tuple[float, ...]], np.ndarray]:
    """By pydicom alone: (segment, place of the frame) -> rows x columns."""
    file = pydicom.dcmread(path)
    pixels, shared = file.pixel_array, file.SharedFunctionalGroupsSequence[0]
    found = {}
    for place, frame in zip(file.PerFrameFunctionalGroupsSequence, pixels, strict=True):
        named = place if "SegmentIdentificationSequence" in place else shared  # where there is one segment alone
        segment = named.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        position = place.PlanePositionSequence[0].ImagePositionPatient
        found[segment, tuple(round(float(x), 3) for x in position)] = frame
    return found


def segmentation(path: Path) -> pydicom.Dataset:
    """The orientation that all frames share."""
    return pydicom.dcmread(path).SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0]


def written(folder: Path, slices: list[pydicom.Dataset]) -> pydicom.Dataset:
    """A segmentation that pydicom reads strictly and highdicom takes for one."""
    import highdicom

    path = folder / "written.dcm"
    write_dicom_seg(path, label(), grid(), source=slices, names=NAMES, software_version="1.2")
    assert highdicom.seg.segread(path).number_of_segments == 2
    with config.strict_reading():
        file = pydicom.dcmread(path)
        assert [element.value for element in file.iterall()]
    return file


pytest.importorskip("highdicom", reason="highdicom is not installed; the extra dicom brings it")


@pytest.mark.parametrize("axes", ["as the series", "turned"])
def test_every_voxel_by_pydicom(tmp_path: Path, axes: str) -> None:
    drawn, affine = label(), grid()
    if axes == "turned":
        image = nib.Nifti1Image(drawn, affine).as_reoriented(np.array([[2, -1], [0, 1], [1, -1]]))
        drawn, affine = np.asarray(image.dataobj), image.affine
    slices = series()
    files = [tmp_path / f"{number}.dcm" for number in range(len(slices))]
    for item, file in zip(slices, files, strict=True):
        item.save_as(file, enforce_file_format=True)
    path = tmp_path / "new" / "case.dcm"
    source = slices[::-1] if axes == "turned" else files
    write_dicom_seg(path, drawn, affine, source=source, names=NAMES, software_version="1.2")
    found = frames(path)
    for number, item in enumerate(slices):
        place = tuple(round(float(x), 3) for x in item.ImagePositionPatient)
        for segment, value in ((1, 2), (2, 5)):
            expected = (label()[..., number] == value).T
            np.testing.assert_array_equal(found.pop((segment, place), np.zeros_like(expected)), expected)
    assert not found
    assert [other.name for other in path.parent.iterdir()] == ["case.dcm"]


def test_file_describes_itself(tmp_path: Path) -> None:
    slices = series()
    write_dicom_seg(tmp_path / "a.dcm", label(), grid(), source=slices, names=NAMES, software_version="1.2")
    file = pydicom.dcmread(tmp_path / "a.dcm")
    assert [item.SegmentLabel for item in file.SegmentSequence] == ["necrotic core", "oedema"]
    assert {item.SegmentAlgorithmType for item in file.SegmentSequence} == {"AUTOMATIC"}
    assert (file.SegmentationType, file.SoftwareVersions, file.Modality) == ("BINARY", "1.2", "SEG")
    assert file.StudyInstanceUID == slices[0].StudyInstanceUID
    assert file.FrameOfReferenceUID == slices[0].FrameOfReferenceUID
    (referenced,) = file.ReferencedSeriesSequence
    assert referenced.SeriesInstanceUID == slices[0].SeriesInstanceUID != file.SeriesInstanceUID
    ours = {item.ReferencedSOPInstanceUID for item in referenced.ReferencedInstanceSequence}
    assert ours == {item.SOPInstanceUID for item in slices}


def test_every_voxel_by_highdicom_and_itk(tmp_path: Path) -> None:
    import highdicom

    slices, path = series(), tmp_path / "a.dcm"
    write_dicom_seg(path, label(), grid(), source=slices, names=NAMES, software_version="1.2")
    volume = highdicom.seg.segread(path).get_volume(combine_segments=True)
    to_series = np.linalg.inv(RAS @ grid()) @ volume.affine
    rebuilt = np.zeros(SHAPE, np.uint8)
    for index in np.argwhere(volume.array):
        place = np.round(to_series @ [*index, 1]).astype(int)[:3]
        rebuilt[tuple(place)] = (2, 5)[volume.array[tuple(index)] - 1]
    np.testing.assert_array_equal(rebuilt, label())
    counts = [int(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(path)).astype(bool).sum())]
    assert counts == [int((label() > 0).sum())]


def test_every_voxel_by_dcmqi(tmp_path: Path) -> None:
    program = shutil.which("segimage2itkimage", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("segimage2itkimage is not installed; pip install dcmqi brings it")
    write_dicom_seg(tmp_path / "a.dcm", label(), grid(), source=series(), names=NAMES, software_version="1.2")
    command = [program, "--inputDICOM", tmp_path / "a.dcm", "--outputDirectory", tmp_path, "--outputType", "nii"]
    subprocess.run(command, check=True, capture_output=True)
    for segment, value in ((1, 2), (2, 5)):
        read = nib.load(tmp_path / f"{segment}.nii.gz")
        to_series = np.linalg.inv(grid()) @ read.affine
        found = np.argwhere(np.asarray(read.dataobj)) @ to_series[:3, :3].T + to_series[:3, 3]
        assert {*map(tuple, found.round().astype(int))} == {*map(tuple, np.argwhere(label() == value))}


def test_every_slice_is_there_unless_sparse(tmp_path: Path) -> None:
    for sparse, count in ((False, 2 * SHAPE[2]), (True, 2 + 3)):
        write_dicom_seg(
            tmp_path / "a.dcm",
            label(),
            grid(),
            source=series(),
            names=NAMES,
            software_version="1",
            sparse=sparse,
        )
        assert len(frames(tmp_path / "a.dcm")) == count


PATIENT = ["PatientName", "PatientID", "PatientSex", "PatientBirthDate"]
STUDY = ["StudyID", "AccessionNumber", "StudyDate", "StudyTime", "ReferringPhysicianName", "PositionReferenceIndicator"]
OTHERS = ["InstanceNumber", "SeriesNumber", "SliceThickness"]
DIRTY = {
    "PatientBirthDate": "01.01.1970",
    "StudyDate": "2024-01-01",
    "StudyTime": "10:10:10",
    "PatientName": "M\u00fcller^J\u00f6rg",
    "AccessionNumber": "12345678901234567890",
    "PatientSex": "female",
    "StudyDescription": "x" * 100,
    "SeriesNumber": 2**31 - 1,
}


@pytest.mark.parametrize("lacking", [*([name] for name in PATIENT + STUDY + OTHERS), PATIENT + STUDY + OTHERS])
def test_what_anonymisers_take_away_is_empty(tmp_path: Path, lacking: list[str]) -> None:
    slices = series()
    for item in slices:
        item.Manufacturer = "maker"
        for name in [*lacking, "Manufacturer"]:
            delattr(item, name)
    file = written(tmp_path, slices)
    for name in set(lacking) - set(OTHERS):
        assert file.get(name, "absent") in ("", None), name
    assert (file.PatientName == "Sim^One") is ("PatientName" not in lacking)


@pytest.mark.filterwarnings("ignore")  # pydicom warns where they are set and read
def test_what_breaks_the_rules_is_empty_and_names_are_kept(tmp_path: Path) -> None:
    slices = series()
    with config.disable_value_validation():
        for number, item in enumerate(slices):
            for name, value in DIRTY.items():
                setattr(item, name, value)
            item.save_as(tmp_path / f"{number}", enforce_file_format=True)
    slices = [pydicom.dcmread(tmp_path / f"{number}") for number in range(len(slices))]
    file = written(tmp_path, slices)
    kept = {name: str(file.get(name) or "") for name in DIRTY if name != "SeriesNumber"}
    assert kept == dict.fromkeys(kept, "") | {"PatientName": "M\u00fcller^J\u00f6rg"}
    assert file.SeriesNumber == 1000


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"])
@pytest.mark.parametrize("value", [None, ""])
def test_uids_of_a_group_are_made_where_they_lack_and_stay_the_same(
    tmp_path: Path, keyword: str, value: str | None
) -> None:
    slices = series()
    for item in slices:
        delattr(item, keyword) if value is None else setattr(item, keyword, value)
    first, again = written(tmp_path, slices), written(tmp_path, slices)
    for name in ("StudyInstanceUID", "FrameOfReferenceUID"):
        assert first[name].value == again[name].value
        assert (first[name].value == slices[0].get(name)) is (name != keyword)
    (referenced,) = first.ReferencedSeriesSequence
    assert [one.ReferencedSOPInstanceUID for one in referenced.ReferencedInstanceSequence] == [
        one.SOPInstanceUID for one in slices
    ]


def test_uids_of_slices_are_those_of_their_files(tmp_path: Path) -> None:
    slices = series()
    for item in slices:
        item.file_meta.MediaStorageSOPClassUID, item.file_meta.MediaStorageSOPInstanceUID = (
            item.SOPClassUID,
            item.SOPInstanceUID,
        )
        item.SOPClassUID = item.SOPInstanceUID = ""
    (referenced,) = written(tmp_path, slices).ReferencedSeriesSequence
    assert [one.ReferencedSOPInstanceUID for one in referenced.ReferencedInstanceSequence] == [
        one.file_meta.MediaStorageSOPInstanceUID for one in slices
    ]
    for item in slices:
        item.file_meta.MediaStorageSOPInstanceUID = slices[0].file_meta.MediaStorageSOPInstanceUID
    with pytest.raises(ValueError, match=r"several slices .* the same SOPInstanceUID; .*export the series again"):
        written(tmp_path, slices)
    for item in slices:
        del item.file_meta.MediaStorageSOPInstanceUID
    with pytest.raises(ValueError, match=r"have no SOPInstanceUID, .*export the series again"):
        written(tmp_path, slices)


@pytest.mark.filterwarnings("ignore")  # pydicom warns where they are set and read
def test_uids_that_break_the_rules_are_kept(tmp_path: Path) -> None:
    slices = series()
    for number, item in enumerate(slices):
        item.SOPInstanceUID, item.StudyInstanceUID, item.FrameOfReferenceUID = f"1.02.{number}", "ABC.1", "2" * 70
    write_dicom_seg(tmp_path / "a", label(), grid(), source=slices, names=NAMES, software_version="1")
    file = pydicom.dcmread(tmp_path / "a")
    assert (file.StudyInstanceUID, file.FrameOfReferenceUID) == ("ABC.1", "2" * 70)
    references = file.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert [one.ReferencedSOPInstanceUID for one in references] == [one.SOPInstanceUID for one in slices]


def test_what_is_read_can_be_written(tmp_path: Path) -> None:
    """Positions nearly a tenth of a step off and cosines to three digits, as some writers leave them."""
    slices, off = series(), np.array([0, 0.08, -0.08, 0.08, 0]) * SPACING[2]
    for item, way in zip(slices, off, strict=True):
        item.ImagePositionPatient = [*np.round(np.array(item.ImagePositionPatient) + TURN[:, 2] * way, 2)]
        item.ImageOrientationPatient = [*np.round(item.ImageOrientationPatient, 3)]
        item.save_as(tmp_path / f"{item.InstanceNumber}", enforce_file_format=True)
    (found,) = find_series(tmp_path).series
    image = read_series(found)
    write_dicom_seg(tmp_path / "a.dcm", label(), image.affine, source=found, names=NAMES, software_version="1")
    places = frames(tmp_path / "a.dcm")
    lps = RAS @ image.affine
    for number in range(SHAPE[2]):
        at = lps[:3, 3] + number * lps[:3, 2]
        (drawn,) = (frame for (part, place), frame in places.items() if part == 1 and np.allclose(place, at, atol=2e-3))
        np.testing.assert_array_equal(drawn, (label()[..., number] == 2).T)
    across, down = np.reshape(segmentation(tmp_path / "a.dcm").ImageOrientationPatient, (2, 3)).astype(float)
    np.testing.assert_allclose([across @ across, down @ down, across @ down], [1, 1, 0], atol=1e-9)


def test_frames_of_one_file_are_referred_to_by_their_numbers(
    tmp_path: Path, in_one_file: Callable[[list[pydicom.Dataset]], pydicom.Dataset]
) -> None:
    one, order = in_one_file(series()), [2, 0, 4, 1, 3]
    one.PerFrameFunctionalGroupsSequence = [one.PerFrameFunctionalGroupsSequence[number] for number in order]
    one.PixelData = np.stack([np.full(SHAPE[1::-1], number, np.int16) for number in order]).tobytes()
    (tmp_path / "in").mkdir()
    one.save_as(tmp_path / "in" / "no ending", enforce_file_format=True)
    (found,) = find_series(tmp_path / "in" / "no ending").series
    image = read_series(found)
    np.testing.assert_array_equal(np.asarray(image.dataobj)[0, 0], range(SHAPE[2]))
    write_dicom_seg(tmp_path / "a.dcm", label(), image.affine, source=found, names=NAMES, software_version="1")
    file = pydicom.dcmread(tmp_path / "a.dcm")
    (reference,) = file.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert (reference.ReferencedSOPInstanceUID, "ReferencedFrameNumber" in reference) == (one.SOPInstanceUID, False)
    for item, drawn in zip(file.PerFrameFunctionalGroupsSequence, file.pixel_array, strict=True):
        (source,) = item.DerivationImageSequence[0].SourceImageSequence
        assert source.ReferencedSOPInstanceUID == one.SOPInstanceUID
        number = order[int(source.ReferencedFrameNumber) - 1]
        value = (2, 5)[item.SegmentIdentificationSequence[0].ReferencedSegmentNumber - 1]
        np.testing.assert_array_equal(drawn, (label()[..., number] == value).T)


def test_label_map_of_another_grid_is_an_error(tmp_path: Path) -> None:
    moved = grid()
    moved[0, 3] += 0.5
    for affine, drawn in ((moved, label()), (grid(), label()[:-1]), (np.eye(4), label())):
        with pytest.raises(ValueError, match=r"does not lie on the grid of the source series \(10, 8, 5\)"):
            write_dicom_seg(tmp_path / "a", drawn, affine, source=series(), names=NAMES, software_version="1")
    assert [*tmp_path.iterdir()] == []


def nearest(affine: np.ndarray, drawn: np.ndarray, item: pydicom.Dataset) -> np.ndarray:
    """Labels (rows, columns) at the places of a slice's pixels, by DICOM's own formula."""
    across, down = np.reshape(item.ImageOrientationPatient, (2, 3)).astype(float)
    rows, columns = np.mgrid[: item.Rows, : item.Columns]
    lps = np.array(item.ImagePositionPatient, float) + columns[..., None] * across * float(item.PixelSpacing[1])
    lps = lps + rows[..., None] * down * float(item.PixelSpacing[0])
    index = nib.affines.apply_affine(np.linalg.inv(RAS @ affine), lps)
    return drawn[tuple(np.moveaxis(np.rint(index).astype(int), -1, 0))]


IRREGULAR = {
    "a slice is missing": ([0, 1, 3, 4], 0.0),
    "uneven": ([0, 1, 2, 3.4, 4.4], 0.0),
    "tilted": ([0, 1, 2, 3, 4], 0.3),
    "both": ([0, 1, 2, 3.4, 4.4], -0.3),
}


@pytest.mark.parametrize(("steps", "tilt"), IRREGULAR.values(), ids=IRREGULAR)
def test_irregular_slices_take_the_labels_of_their_places(tmp_path: Path, steps: list[float], tilt: float) -> None:
    """The label map lies on the grid that the slices were brought to; it has a border of nothing, as it is larger."""
    import highdicom

    slices = series()[: len(steps)]
    (tmp_path / "in").mkdir()
    for number, (item, step) in enumerate(zip(slices, steps, strict=True)):
        place = ORIGIN + step * SPACING[2] * (TURN[:, 2] + tilt * TURN[:, 1])
        item.ImagePositionPatient = [*map(float, place.round(4))]
        item.save_as(tmp_path / "in" / str(number), enforce_file_format=True)
    (found,) = find_series(tmp_path / "in").series
    image = read_series(found, resample_uneven=True)
    drawn = np.random.default_rng(0).choice([0, 2, 5], image.shape).astype(np.uint8)
    write_dicom_seg(tmp_path / "a.dcm", drawn, image.affine, source=found, names=NAMES, software_version="1")
    written = frames(tmp_path / "a.dcm")
    assert len(written) == 2 * len(steps)
    for item in slices:
        place = tuple(round(float(value), 3) for value in item.ImagePositionPatient)
        for segment, value in ((1, 2), (2, 5)):
            (frame,) = (
                one for (part, at), one in written.items() if part == segment and np.allclose(at, place, atol=2e-3)
            )
            np.testing.assert_array_equal(frame, nearest(image.affine, drawn, item) == value)
    by_source = highdicom.seg.segread(tmp_path / "a.dcm").get_pixels_by_source_instance(
        [item.SOPInstanceUID for item in slices], combine_segments=True
    )
    np.testing.assert_array_equal(np.array([0, 2, 5])[by_source[0]], nearest(image.affine, drawn, slices[0]))


def test_irregular_slices_that_the_label_map_does_not_cover_are_an_error(tmp_path: Path) -> None:
    slices = series()
    del slices[1]
    with pytest.raises(ValueError, match=r"does not lie on the grid of the source series \(10, 8, 4\).* 1 voxels away"):
        write_dicom_seg(tmp_path / "a", label()[..., :-1], grid(), source=slices, names=NAMES, software_version="1")


def test_label_maps_that_make_no_segmentation_are_errors(tmp_path: Path) -> None:
    for drawn, message in (
        (np.zeros(SHAPE, np.uint8), "nothing is labelled"),
        (np.full(SHAPE, 4, np.uint8), r"has the values \[4\], which the names"),
        (np.zeros(SHAPE), "expected three axes of integers"),
    ):
        with pytest.raises(ValueError, match=message):
            write_dicom_seg(tmp_path / "a", drawn, grid(), source=series(), names=NAMES, software_version="1")


def test_highdicom_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(ImportError, match=r"pip install 'iunet-med\[dicom\]'"):
        write_dicom_seg(tmp_path / "a", label(), grid(), source=series(), names=NAMES, software_version="1")


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason=f"no real volumes in {SHARED_DATA}")
def test_real_series(tmp_path: Path) -> None:
    """Its UIDs are empty but for those of the files; the labels are stored along other axes."""
    slices = [pydicom.dcmread(path) for path in sorted((SHARED_DATA / "ct" / "torso_dicom").glob("*.dcm"))]
    truth = nib.load(SHARED_DATA / "ct" / "torso_dicom_labels.nii.gz")
    drawn = (np.asarray(truth.dataobj) == 5).astype(np.uint8)
    command = {"source": slices, "names": {1: "liver"}, "software_version": "1"}
    write_dicom_seg(tmp_path / "a.dcm", drawn, truth.affine, **command)
    assert sum(int(frame.sum()) for frame in frames(tmp_path / "a.dcm").values()) == int(drawn.sum())
