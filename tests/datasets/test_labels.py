"""A label map's values are weighed and compared with the layout's."""

import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.datasets import dataset_layout
from iunet_med.datasets.labels import label_problems, label_volumes
from iunet_med.datasets.public import LayoutName
from iunet_med.volumes import read_volume

OBLIQUE = np.array([[1.2, 0.4, 0, 3], [-0.5, 2.0, 0.3, 1], [0, 0.1, 1.5, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_volumes_count_voxels_of_the_affines_size(tmp_path: Path, dtype: type) -> None:
    values = np.random.default_rng(0).choice([0, 1, 2, 4], size=(5, 6, 7)).astype(dtype)
    nib.save(nib.Nifti1Image(values, OBLIQUE), tmp_path / "x.nii.gz")
    voxel_ml = np.linalg.det(OBLIQUE) / 1000
    expected = {float(v): (values == v).sum() * voxel_ml for v in (1, 2, 4)}
    assert label_volumes(read_volume(tmp_path / "x.nii.gz")) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("layout", "values", "text"),
    [
        ("brats23", [], r"the label map is empty; expected voxels of the values \[1, 2, 3\]"),
        ("brats23", [1, 2, 4], r"label value 4 \(2 ml\); expected .* ET = 3, .*\(brats18, brats24\)"),
        ("brats18", [1, 2, 3], r"label value 3 \(2 ml\); expected .* ET = 4, .*\(brats23, brats24, msd\)"),
        ("msd", [1, 4.5, 7], r"label value 4\.5 \(2 ml\), label value 7 \(2 ml\); .*; correct the label map"),
    ],
)
def test_values_outside_the_scheme_are_told_with_the_layouts_that_know_them(
    layout: LayoutName, values: list[float], text: str
) -> None:
    (problem,) = label_problems("c", dict.fromkeys(values, 2.0), dataset_layout(layout).regions)
    assert re.search(text, str(problem)), str(problem)


def test_known_values_are_no_problem_even_if_one_is_absent() -> None:
    assert label_problems("c", {1.0: 3.0, 2.0: 9.0}, dataset_layout("brats23").regions) == []
