"""A survey tells grids and label volumes, and reads as much as it is asked to."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.datasets import MsdLayout, dataset_layout
from iunet_med.datasets.survey import survey_case, survey_cases

LAYOUT = dataset_layout("brats23")


def test_four_axes_are_needed_where_one_file_holds_all_modalities(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=(4, 4, 4, 3)).astype(np.float32)
    layout = MsdLayout(modalities={"t1": ("t1",), "t2": ("t2",)}, regions={"lesion": [1]})
    for channels, count in ((2, 0), (3, 1)):
        path = tmp_path / f"{channels}.nii.gz"
        nib.save(nib.Nifti1Image(noise[..., :channels], np.diag([4.0, 4, 4, 1])), path)
        survey = survey_case({"case": "x", "image": str(path)}, layout, spacing=(1, 1, 1), reach=(1, 1, 1))
        assert len(survey.problems) == count
    assert "has shape (4, 4, 4, 3); expected three axes and then 2 channels" in str(survey.problems[0])


def test_grid_and_label_volumes_are_those_of_the_files(tmp_path: Path, brats_case: Callable[..., Path]) -> None:
    folder = brats_case(tmp_path, "x", affine=np.diag([2.0, -1.5, 3.0, 1.0]))
    values = np.asarray(nib.load(folder / "x-seg.nii.gz").dataobj)
    (survey,) = survey_cases(LAYOUT.find(tmp_path, labelled=True)[0], LAYOUT)
    assert survey.problems == []
    assert survey.grid is not None
    assert survey.grid.shape == (22, 24, 20)
    assert survey.volumes_ml == pytest.approx({v: (values == v).sum() * 9 / 1000 for v in (1, 2, 3)})


def test_damage_inside_a_file_is_found_only_by_unpacking_it(tmp_path: Path, brats_case: Callable[..., Path]) -> None:
    path = brats_case(tmp_path, "x") / "x-t2w.nii.gz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    (case,), _ = LAYOUT.find(tmp_path, labelled=True)
    quick, whole = (survey_case(case, LAYOUT, spacing=(1, 1, 1), reach=(1, 1, 1), whole=w) for w in (False, True))
    assert (quick.problems, quick.volumes_ml) == ([], {})
    (problem,) = whole.problems
    assert f"{path} is not a readable NIfTI image" in problem.found
