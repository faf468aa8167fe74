"""`segment` and `evaluate` take every bundle: oblique volumes in, label maps on their grid out, scored by class."""

import csv
import hashlib
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
BUNDLES = sorted(
    path.parents[1] for path in REPOSITORY.glob("bundle/*/configs/metadata.json") if '"classes"' in path.read_text()
)
"""Those whose output is label maps."""
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
    check_manifest(tmp_path / "out", copy)
    check_classes(scans, copy, tmp_path)
    scored = CliRunner().invoke(app, ["evaluate", str(scans), str(tmp_path / "out"), *layout])
    assert scored.exit_code == 0, scored.output
    regions = parser.get_parsed_content("layout").regions
    assert all(region[:6] in scored.output for region in list(regions)[:3])


def check_manifest(output: Path, bundle: Path) -> None:
    told = json.loads((output / "run.json").read_text())
    weights = hashlib.sha256((bundle / "models" / "model.pt").read_bytes()).hexdigest()
    assert told["bundle"]["weights_sha256"] == weights
    assert told["software"]["torch"] == torch.__version__
    assert told["started"] <= told["ended"]
    assert [one["status"] for one in told["cases"]].count("failed") == 0
    assert all(one["seconds"] > 0 and one["peak_mib"] > 0 and one["files"] for one in told["cases"])


def check_classes(scans: Path, bundle: Path, folder: Path) -> None:
    """One class alone: the label map is that of all classes without the others."""
    listed = CliRunner().invoke(app, ["segment", "--list-classes", "--bundle", str(bundle), "--trust"]).output
    with (folder / "out" / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = max(rows, key=lambda row: float(row["volume_ml"]))["label"]
    assert chosen in listed
    (case, *_) = sorted({row["case"] for row in rows})
    segment(scans, output=folder / "one", bundle=bundle, settings=TINY, classes=[chosen.upper()])
    kept, whole = (np.asarray(nib.load(folder / name / case / f"{case}_seg.nii.gz").dataobj) for name in ("one", "out"))
    with (folder / "one" / "summary.csv").open(newline="") as file:
        measured = [row for row in csv.DictReader(file) if row["case"] == case]
    assert [row["label"] for row in measured] == [chosen]
    voxels = int((kept > 0).sum())
    np.testing.assert_array_equal(kept[kept > 0], whole[kept > 0])
    volume = abs(np.linalg.det(OBLIQUE_LAS[:3, :3])) * voxels / 1000
    assert float(measured[0]["volume_ml"]) == pytest.approx(volume, rel=1e-5)
    modality = json.loads((bundle / "configs" / "metadata.json").read_text())["network_data_format"]["inputs"]["image"]
    assert (measured[0]["median"] != "") == (modality["modality"] == "CT")
    with pytest.raises(ValueError, match="--classes nose: expected some of"):
        segment(scans, output=folder / "no", bundle=bundle, settings=TINY, classes=["nose"])
