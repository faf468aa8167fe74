"""`segment` and `evaluate` take every bundle: oblique volumes in, label maps on their grid out, scored by class."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from typer.testing import CliRunner

from iunet_med.cli import app
from iunet_med.inference import segment

REPOSITORY = Path(__file__).parents[2]
BUNDLES = sorted(path.parents[1] for path in REPOSITORY.glob("bundle/*/configs/metadata.json"))
TINY: dict[str, Any] = {
    "channels": [4, 8],
    "couplings": 1,
    "roi_size": [16, 16, 16],
    "spacing": [1.5, 1.5, 1.5],
    "device": "cpu",
    "amp": False,
}
OBLIQUE_LAS = np.array([[-1.8, 0.3, 0.4, 40.0], [0.3, 1.9, -0.5, -30.0], [0.2, 0.4, 2.4, 11.0], [0, 0, 0, 1]])


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)
def test_label_maps_lie_on_oblique_images_and_are_scored(
    bundle: Path, labelled_folder: Callable[[Path], Path], tmp_path: Path
) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle", ignore=shutil.ignore_patterns("models"))
    parser = ConfigParser()
    parser.read_config(copy / "configs" / "inference.json")
    parser.update(TINY)
    torch.manual_seed(0)
    (copy / "models").mkdir()
    torch.save(parser.get_parsed_content("network_def").state_dict(), copy / "models" / "model.pt")
    scans = shutil.copytree(labelled_folder(bundle), tmp_path / "scans")
    for path in scans.rglob("*.nii.gz"):
        nib.save(nib.Nifti1Image(np.asarray(nib.load(path).dataobj), OBLIQUE_LAS), path)
    results = segment(scans, output=tmp_path / "out", bundle=copy, settings=TINY)
    assert [result.status != "failed" for result in results] == [True] * 5
    metadata = json.loads((copy / "configs" / "metadata.json").read_text())
    named = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
    found: set[int] = set()
    for result in results:
        written = nib.load(tmp_path / "out" / result.case / f"{result.case}_seg.nii.gz")
        np.testing.assert_allclose(written.affine, OBLIQUE_LAS, atol=1e-5)
        assert (written.shape, written.get_data_dtype()) == ((22, 24, 20), np.uint8)
        found |= set(np.unique(np.asarray(written.dataobj)).tolist())
    assert len(found) > 1
    assert found <= {int(value) for value in named}
    layout = ["--layout", bundle.name] if bundle.name != "iunet_brats_mri" else []
    scored = CliRunner().invoke(app, ["evaluate", str(scans), str(tmp_path / "out"), *layout])
    assert scored.exit_code == 0, scored.output
    regions = parser.get_parsed_content("layout").regions
    assert all(region[:6] in scored.output for region in list(regions)[:3])
