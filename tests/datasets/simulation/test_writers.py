import json
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.datasets import find_layout, list_cases
from iunet_med.datasets.detect import detect_layout
from iunet_med.datasets.simulation import SimulatedCase, write_brats, write_msd


def geometry_is_that_of(case: SimulatedCase, image: nib.Nifti1Image) -> None:
    np.testing.assert_array_equal(image.affine, case.affine)
    np.testing.assert_allclose(image.get_qform(), case.affine)
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 1)
    assert image.header.get_xyzt_units()[0] == "mm"


def test_brats_files_hold_the_case(case: SimulatedCase, tmp_path: Path) -> None:
    folders = write_brats(tmp_path, [case, case], start=7)
    assert [f.name for f in folders] == ["Simulated-00007-000", "Simulated-00008-000"]
    name = folders[0].name
    for modality, ending in (("t1", "t1n"), ("t1c", "t1c"), ("t2", "t2w"), ("flair", "t2f")):
        image = nib.load(folders[0] / f"{name}-{ending}.nii.gz")
        np.testing.assert_array_equal(image.get_fdata(dtype=np.float32), case.images[modality])
        geometry_is_that_of(case, image)
    label = nib.load(folders[0] / f"{name}-seg.nii.gz")
    assert label.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(label.dataobj), case.label)
    assert len(list(folders[0].iterdir())) == 5


@pytest.mark.parametrize(
    ("year", "name", "label"),
    [
        (18, "HGG/Brats18_SIM355_1", "Brats18_SIM355_1_seg.nii.gz"),
        (19, "HGG/BraTS19_SIM355_1", "BraTS19_SIM355_1_seg.nii.gz"),
        (20, "BraTS20_Training_355", "W39_1998.09.19_Segm.nii.gz"),
        (21, "BraTS2021_00355", "BraTS2021_00355_seg.nii.gz"),
    ],
)
def test_earlier_years_are_read_as_what_they_are(
    case: SimulatedCase, tmp_path: Path, year: int, name: str, label: str
) -> None:
    write_brats(tmp_path, [case], start=355, year=year)
    assert detect_layout(tmp_path) == "brats18"
    layout = find_layout(dataset_dir=str(tmp_path))
    (found,) = list_cases(str(tmp_path), layout)
    assert found["label"] == str(tmp_path / name / label)
    for path, modality in zip(found["image"], ("t1", "t1c", "t2", "flair"), strict=True):
        np.testing.assert_array_equal(nib.load(path).get_fdata(dtype=np.float32), case.images[modality])
    values = np.asarray(nib.load(found["label"]).dataobj)
    for there, here in ((1, 1), (2, 2), (4, 3)):
        np.testing.assert_array_equal(values == there, case.label == here)


def test_msd_files_hold_the_case_with_the_labels_of_task01(case: SimulatedCase, tmp_path: Path) -> None:
    path = write_msd(tmp_path, [case], test=[case])
    description = json.loads(path.read_text())
    assert description["tensorImageSize"] == "4D"
    assert description["modality"] == {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}
    assert list(description["labels"]) == ["0", "1", "2", "3"]
    assert (description["numTraining"], description["numTest"]) == (1, 1)
    assert description["test"] == ["./imagesTs/SIMULATED_001.nii.gz"]
    assert "imulated" in description["description"]
    [files] = description["training"]
    image, label = (nib.load(tmp_path / files[key]) for key in ("image", "label"))
    geometry_is_that_of(case, image)
    channels = np.moveaxis(image.get_fdata(dtype=np.float32), -1, 0)
    for channel, modality in zip(channels, ("flair", "t1", "t1c", "t2"), strict=True):
        np.testing.assert_array_equal(channel, case.images[modality])
    values = np.asarray(label.dataobj)
    for msd, brats in ((1, 2), (2, 1), (3, 3)):
        np.testing.assert_array_equal(values == msd, case.label == brats)
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "labelsTs/SIMULATED_001.nii.gz").dataobj), values)


def test_same_case_same_bytes(case: SimulatedCase, tmp_path: Path) -> None:
    first, second = (write_brats(tmp_path / name, [case])[0] for name in "ab")
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes()


def test_interruption_leaves_only_complete_files(case: SimulatedCase, tmp_path: Path) -> None:
    def interrupted() -> Iterator[SimulatedCase]:
        yield case
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_msd(tmp_path, interrupted())
    left = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert left == ["imagesTr/SIMULATED_000.nii.gz", "labelsTr/SIMULATED_000.nii.gz"]
