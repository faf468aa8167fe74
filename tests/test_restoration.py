"""The restoration bundle trains on pairs, and gives back an image on its grid, in its units."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from iunet_med.inference import segment
from iunet_med.trained_with import trained_with

BUNDLE = Path(__file__).parents[1] / "bundle" / "iunet_ct_restoration"
TINY: dict[str, Any] = {"channels": [4, 8], "roi_size": [16, 16, 16], "num_workers": 0, "device": "cpu", "amp": False}
OBLIQUE = np.array([[-0.97, 0.2, 0.3, 40.0], [0.18, 1.15, -0.3, -30.0], [0.1, 0.2, 2.4, 11.0], [0, 0, 0, 1]])


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Four pairs of images in HU on oblique voxels, smooth and noisy."""
    rng = np.random.default_rng(0)
    for number in range(4):
        x = np.linspace(-1, 1, 20)
        truth = 300 * np.sin(3 * x[:, None, None] + number) * np.cos(2 * x[:, None]) - 200 * x
        noisy = truth + 80 * rng.standard_normal(truth.shape)
        for name, image in (("truth", truth), ("fbp", noisy)):
            path = tmp_path / "data" / f"case{number}" / f"case{number}_{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(image.astype(np.float32), OBLIQUE), path)
    return tmp_path / "data"


def parse(*names: str, **changes: Any) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([BUNDLE / "configs" / f"{name}.json" for name in names])
    parser.update({**TINY, "value_range": [-1000.0, 1000.0], **changes})
    return parser


def test_it_learns_and_restores_in_hu_on_oblique_voxels(pairs: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    where = {"dataset_dir": str(pairs), "ckpt_dir": str(tmp_path / "model")}
    training = parse(
        "train",
        **where,
        output_dir=str(tmp_path / "board"),
        max_epochs=12,
        val_interval=12,
        cache_rate=1.0,
        silent=True,
    )
    training.get_parsed_content("train::trainer").run()
    assert trained_with(tmp_path / "model" / "model.pt", "value_range", None) == [-1000.0, 1000.0]
    scored = parse("inference", "evaluate", **where, output_dir=str(tmp_path / "out"), silent=True)
    evaluator = scored.get_parsed_content("evaluator")
    evaluator.run()
    errors = []
    for number in range(4):
        case = f"case{number}"
        restored = nib.load(tmp_path / "out" / case / f"{case}_restored.nii.gz")
        np.testing.assert_allclose(restored.affine, OBLIQUE, atol=1e-5)
        assert restored.get_data_dtype() == np.float32
        truth, noisy = (nib.load(pairs / case / f"{case}_{name}.nii.gz").get_fdata() for name in ("truth", "fbp"))
        errors.append([np.mean((image - truth) ** 2) for image in (restored.get_fdata(), noisy)])
    after, before = np.mean(errors, 0)
    assert after < 0.8 * before
    expected = np.mean([10 * np.log10(4e6 / error) for error, _ in errors])
    assert evaluator.state.metrics["psnr"] == pytest.approx(expected, abs=0.01)


def test_untrained_it_changes_nothing(pairs: Path, tmp_path: Path) -> None:
    parser = parse("inference", dataset_dir=str(pairs), output_dir=str(tmp_path / "out"), untrained=True, silent=True)
    parser.get_parsed_content("evaluator").run()
    for number in range(4):
        case = f"case{number}"
        restored, noisy = (
            nib.load(folder / case / f"{case}_{name}.nii.gz").get_fdata()
            for folder, name in ((tmp_path / "out", "restored"), (pairs, "fbp"))
        )
        np.testing.assert_allclose(restored, noisy, atol=0.05)


def test_segment_says_what_to_run(pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"iunet_ct_restoration restores images .* monai.bundle run"):
        segment(pairs, output=tmp_path / "out", bundle="iunet_ct_restoration")
