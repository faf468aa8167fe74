"""Two simulated cases, and predictions for them."""

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from iunet_med.cli import app
from iunet_med.datasets import dataset_layout, list_cases


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "data"
    result = CliRunner().invoke(app, ["simulate", str(folder), "--cases", "2", "--seed", "5", "--spacing", "4"])
    assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def predictions(dataset: Path, tmp_path: Path) -> Path:
    """The truth itself, but nothing for the second case's enhancing tumour."""
    for case in list_cases(str(dataset), dataset_layout("brats23")):
        (tmp_path / "perfect").mkdir(exist_ok=True)
        shutil.copy(case["label"], tmp_path / "perfect" / f"{case['case']}_seg.nii.gz")
    image = nib.load(path := tmp_path / "perfect" / "Simulated-00006-000_seg.nii.gz")
    labels = np.asarray(image.dataobj)
    nib.save(nib.Nifti1Image(np.where(labels == 3, 1, labels).astype(np.uint8), image.affine), path)
    return tmp_path / "perfect"
