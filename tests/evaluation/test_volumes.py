"""Label maps are compared on one grid only, whatever the order of their axes on disk."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.evaluation.volumes import read_images, read_label_maps, spacing_in_ras

RAS = np.diag([1.0, 2.0, 3.0, 1.0])


def write(path: Path, volume: np.ndarray, affine: np.ndarray = RAS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(volume, affine), path)
    return path


def test_volumes_come_in_ras_order(tmp_path: Path) -> None:
    labels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    stored = nib.Nifti1Image(labels, RAS).as_reoriented(np.array([[1, -1], [2, 1], [0, -1]]))
    nib.save(stored, path := tmp_path / "a.nii.gz")
    maps = read_label_maps(path, {"same": path}, case="a")
    np.testing.assert_array_equal(maps["truth"], labels)
    np.testing.assert_array_equal(maps["same"], labels)
    assert spacing_in_ras(path) == (1, 2, 3)


@pytest.mark.parametrize(
    ("volume", "affine", "text"),
    [
        (np.zeros((2, 3, 5), np.uint8), RAS, r"^a: the prediction .*, shape \(2, 3, 5\) against \(2, 3, 4\)"),
        (np.zeros((2, 3, 4), np.uint8), RAS + np.eye(4, k=3), r"^a: the prediction .*, affine .* against"),
    ],
)
def test_another_grid_is_refused(tmp_path: Path, volume: np.ndarray, affine: np.ndarray, text: str) -> None:
    truth = write(tmp_path / "truth.nii.gz", np.zeros((2, 3, 4), np.uint8))
    prediction = write(tmp_path / "a.nii.gz", volume, affine)
    with pytest.raises(ValueError, match=text):
        read_label_maps(truth, {"trained": prediction}, case="a")


def test_modalities_by_name_from_one_file_or_many(tmp_path: Path) -> None:
    channels = np.arange(48, dtype=np.float32).reshape(2, 2, 3, 4)
    joined = write(tmp_path / "joined.nii.gz", np.moveaxis(channels, 0, -1))
    single = [str(write(tmp_path / f"{name}.nii.gz", channels[i])) for i, name in enumerate(("flair", "t1"))]
    for image in (str(joined), single):
        images = read_images({"case": "a", "modalities": ["flair", "t1"], "image": image})
        np.testing.assert_array_equal(images["flair"], channels[0])
        np.testing.assert_array_equal(images["t1"], channels[1])


def test_the_truth_of_organs_is_that_of_the_classes(tmp_path: Path) -> None:
    label = np.array([[[0, 6, 1], [7, 6, 0]]], np.uint8)
    for name, array in (("truth", label), ("prediction", np.array([[[0, 1, 2], [1, 1, 0]]], np.uint8))):
        nib.save(nib.Nifti1Image(array, np.eye(4)), tmp_path / f"{name}.nii.gz")
    case = {"case": "a", "label": str(tmp_path / "truth.nii.gz"), "organ_values": "[[6, 7], [1]]"}
    maps = read_label_maps(case, {"net": tmp_path / "prediction.nii.gz"}, case="a")
    np.testing.assert_array_equal(maps["truth"], maps["net"])
