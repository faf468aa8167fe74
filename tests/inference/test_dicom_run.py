"""Whole runs on DICOM: a folder, one file alone, a list; the label map and the segmentation lie on the slices."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from iunet_med.inference import CaseResult, segment

highdicom = pytest.importorskip("highdicom", reason="highdicom is not installed; the extra dicom brings it")

SETTINGS: dict[str, Any] = {
    "channels": [4, 8],
    "roi_size": [16, 16, 16],
    "spacing": [1.5, 1.5, 1.5],
    "device": "cpu",
    "amp": False,
    "layout": {
        "_target_": "iunet_med.datasets.FolderLayout",
        "modalities": {"t1": "*.nii*"},
        "regions": {"lesion": [1]},
        "label": "x",
    },
}
RAS = np.diag([-1.0, -1, 1, 1])


@pytest.fixture(scope="module")
def one_modality(tiny_bundle: Path) -> Path:
    """The bundle with weights for one modality."""
    parser = ConfigParser()
    parser.read_config(tiny_bundle / "configs" / "inference.json")
    parser.update(SETTINGS)
    torch.manual_seed(0)
    weights = tiny_bundle / "models" / "one.pt"
    torch.save(parser.get_parsed_content("network_def").state_dict(), weights)
    return weights


def run(given: Path, weights: Path, output: Path, **options: Any) -> CaseResult:
    settings = {**SETTINGS, "checkpoint": str(weights)}
    (result,) = segment(given, output=output, bundle=weights.parents[1], settings=settings, dicom_seg=True, **options)
    return result


def slices(heads: Path, *, tilt: float = 0.0) -> list[Dataset]:
    """The T1 of a head as the slices of a series."""
    image = nib.load(heads / "GLI-1-000" / "GLI-1-000-t1n.nii.gz")
    values = np.round(np.asarray(image.dataobj) / np.asarray(image.dataobj).max() * 1000).astype(np.int16)
    lps, sizes = RAS @ image.affine, nib.affines.voxel_sizes(image.affine)
    study, stack, frame = (generate_uid() for _ in range(3))
    made = []
    for number in range(values.shape[2]):
        item = Dataset()
        item.file_meta = FileMetaDataset()
        item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        item.SOPClassUID, item.SOPInstanceUID = MRImageStorage, generate_uid()
        item.StudyInstanceUID, item.SeriesInstanceUID, item.FrameOfReferenceUID = study, stack, frame
        item.Modality, item.ImageType = "MR", ["ORIGINAL", "PRIMARY"]
        place = lps @ [0, 0, number, 1] + lps @ [0, tilt * number, 0, 0]
        item.ImagePositionPatient = [float(value) for value in place[:3]]
        item.ImageOrientationPatient = [float(value) for value in (lps[:3, :2] / sizes[:2]).T.ravel()]
        item.PixelSpacing, item.SliceThickness = [float(sizes[1]), float(sizes[0])], float(sizes[2])
        item.Columns, item.Rows = values.shape[:2]
        item.SamplesPerPixel, item.PhotometricInterpretation, item.PixelRepresentation = 1, "MONOCHROME2", 1
        item.BitsAllocated, item.BitsStored, item.HighBit = 16, 16, 15
        item.PixelData = np.ascontiguousarray(values[..., number].T).tobytes()
        made.append(item)
    return made


def saved(items: list[Dataset], folder: Path) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"I{number:03d}" for number in range(len(items))]
    for item, path in zip(items, paths, strict=True):
        item.save_as(path, enforce_file_format=True)
    return paths


def segmented(output: Path, result: CaseResult) -> tuple[nib.Nifti1Image, Any]:
    assert result.status != "failed", result.reason
    assert f"{result.case}_seg.dcm" in result.files, result.findings
    folder = output / result.case
    return nib.load(folder / f"{result.case}_seg.nii.gz"), highdicom.seg.segread(folder / f"{result.case}_seg.dcm")


def same_voxels(image: nib.Nifti1Image, segmentation: Any) -> None:
    """As highdicom builds the volume from the file alone."""
    volume = segmentation.get_volume(combine_segments=True)
    found = nib.as_closest_canonical(nib.Nifti1Image(volume.array, RAS @ volume.affine))
    image = nib.as_closest_canonical(image)
    np.testing.assert_allclose(found.affine, image.affine, atol=1e-4)
    np.testing.assert_array_equal(found.dataobj, image.dataobj)


def test_a_folder_a_file_alone_and_a_list_give_the_same(
    heads: Path, one_modality: Path, tmp_path: Path, in_one_file: Callable[[list[Dataset]], Dataset]
) -> None:
    items = slices(heads)
    saved(items, tmp_path / "series")
    (tmp_path / "one").mkdir()
    in_one_file(items).save_as(tmp_path / "one" / "frames", enforce_file_format=True)
    (tmp_path / "file.csv").write_text("case,t1\nA,one/frames\n")
    (tmp_path / "whole.csv").write_text("case,image\nA,series\n")
    expected, segmentation = segmented(tmp_path / "a", run(tmp_path / "series", one_modality, tmp_path / "a"))
    assert 0 < np.count_nonzero(expected.dataobj) < np.prod(expected.shape)
    same_voxels(expected, segmentation)
    for number, given in enumerate(("one/frames", "one", "file.csv", "whole.csv")):
        output = tmp_path / str(number)
        image, segmentation = segmented(output, run(tmp_path / given, one_modality, output))
        np.testing.assert_array_equal(image.dataobj, expected.dataobj)
        np.testing.assert_allclose(image.affine, expected.affine, atol=1e-6)
        same_voxels(image, segmentation)


def test_one_slice_alone_is_refused_with_the_cure(heads: Path, one_modality: Path, tmp_path: Path) -> None:
    (path, *_) = saved(slices(heads), tmp_path / "series")
    with pytest.raises(ValueError, match=r"I000 is a single image; .*; give the folder of its series"):
        run(path, one_modality, tmp_path / "out")
    (tmp_path / "a.csv").write_text("case,t1\nA,series/I000\n")
    result = run(tmp_path / "a.csv", one_modality, tmp_path / "out")
    assert (result.status, "I000 is a single image" in result.reason) == ("failed", True)


def test_several_modalities_are_not_one_file(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    (path, *_) = saved(slices(heads), tmp_path / "series")
    options = {"output": tmp_path / "out", "bundle": tiny_bundle}
    options["settings"] = {name: value for name, value in SETTINGS.items() if name != "layout"}
    with pytest.raises(ValueError, match=r"I000 is one DICOM file; expected a series for each of t1, t1c, t2, flair"):
        segment(path, **options)
    (tmp_path / "a.csv").write_text("case,image\nA,series\n")
    (result,) = segment(tmp_path / "a.csv", **options)
    assert "a DICOM series is one modality, not all; expected a path for each of t1, t1c, t2, flair" in result.reason


def test_tilted_slices_run_on_request(heads: Path, one_modality: Path, tmp_path: Path) -> None:
    items = slices(heads, tilt=0.23)
    saved(items, tmp_path / "series")
    refused = run(tmp_path / "series", one_modality, tmp_path / "out")
    assert (refused.status, "tilted by 12.95 degrees" in refused.reason) == ("failed", True)
    assert "--resample-uneven" in refused.reason
    result = run(tmp_path / "series", one_modality, tmp_path / "out", resample_uneven=True)
    assert "they were upright from 12.95 degrees" in str(result.findings)
    image, segmentation = segmented(tmp_path / "out", result)
    frames = segmentation.get_pixels_by_source_instance([item.SOPInstanceUID for item in items], combine_segments=True)
    labels, onto = np.asarray(image.dataobj), np.linalg.inv(RAS @ image.affine)
    assert 0 < frames.sum() < frames.size
    for item, frame in zip(items, frames, strict=True):
        rows, columns = np.mgrid[: item.Rows, : item.Columns]
        across, down = np.reshape(item.ImageOrientationPatient, (2, 3)).astype(float)
        lps = columns[..., None] * 1.5 * across + rows[..., None] * 1.5 * down + item.ImagePositionPatient
        index = np.rint(nib.affines.apply_affine(onto, lps.astype(float))).astype(int)
        np.testing.assert_array_equal(frame, labels[tuple(np.moveaxis(index, -1, 0))])


def test_pixels_are_read_once(heads: Path, one_modality: Path, tmp_path: Path, opened: Callable[[], list[str]]) -> None:
    """A file is opened for its header, when all are sorted into series, and once more for all that is made of it."""
    paths = saved(slices(heads), tmp_path / "series")
    count = opened()
    segmented(tmp_path / "out", run(tmp_path / "series", one_modality, tmp_path / "out"))
    times = Counter(count)
    assert {path.name: times[str(path)] for path in paths} == {path.name: 2 for path in paths}


_opened: list[list[str]] = []


def _listen(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        for names in _opened:
            names.append(str(arguments[0]))


@pytest.fixture
def opened() -> Any:
    """Called, it begins to collect the names of all files that Python opens."""
    sys.addaudithook(_listen)  # stays for good, and does nothing between tests

    def begin() -> list[str]:
        _opened.append([])
        return _opened[-1]

    yield begin
    _opened.clear()


def test_the_file_says_what_its_source_is(heads: Path, one_modality: Path, tmp_path: Path) -> None:
    """Nothing about the patient is in the slices, as after anonymising."""
    items = slices(heads)
    saved(items, tmp_path / "series")
    result = run(tmp_path / "series", one_modality, tmp_path / "out", sparse_seg=True)
    file = pydicom.dcmread(tmp_path / "out" / result.case / f"{result.case}_seg.dcm")
    assert (file.PatientID, file.PatientSex, file.StudyDate, file.AccessionNumber) == ("", "", "", "")
    assert (file.StudyInstanceUID, file.FrameOfReferenceUID) == (
        items[0].StudyInstanceUID,
        items[0].FrameOfReferenceUID,
    )
    labels = np.asarray(nib.load(tmp_path / "out" / result.case / f"{result.case}_seg.nii.gz").dataobj)
    assert file.NumberOfFrames == labels.any(axis=(0, 1)).sum()
