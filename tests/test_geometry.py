"""A label map survives preprocessing, sliding windows and inversion on the input's grid, whatever that grid is."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from iunet_med.evaluation.dice import region_dice

CONFIG = Path(__file__).parents[1] / "bundle" / "iunet_brats_mri" / "configs" / "inference.json"
REGIONS = {"ET": (3,), "TC": (1, 3), "WT": (1, 2, 3)}
RESAMPLED_DICE = 0.9
SHAPE = (30, 26, 22)
AXES = {"RAS": "RAS", "LPS": "LPS", "LAS": "LAS", "permuted": "SLP"}


class ReadRegions(torch.nn.Module):
    """Reads the regions off an image whose first three channels are brighter inside of them."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        regions = image[:, :3]
        middle = (regions.amin((2, 3, 4), keepdim=True) + regions.amax((2, 3, 4), keepdim=True)) / 2
        return 4 * (regions - middle)


def affine(axes: str, spacing: tuple[float, float, float], *, oblique: bool) -> np.ndarray:
    orientation = nib.orientations.axcodes2ornt(axes)
    result = np.zeros((4, 4))
    for column, ((row, sign), size) in enumerate(zip(orientation, spacing, strict=True)):
        result[int(row), column] = sign * size
    if oblique:
        turn = nib.eulerangles.euler2mat(0.3, -0.2, 0.25)
        result[:3, :3] = turn @ result[:3, :3]
    result[:, 3] = [13.5, -40.25, 7.0, 1]
    return result


def ellipsoids(spacing: tuple[float, float, float]) -> np.ndarray:
    """Nested tumour regions off the centre, in millimetres scaled to the volume."""
    points = np.moveaxis(np.indices(SHAPE), 0, -1) * spacing
    extent = np.array(SHAPE) * spacing
    distance = np.linalg.norm((points - extent * [0.45, 0.55, 0.5]) / extent, axis=-1)
    return np.select([distance < 0.12, distance < 0.2, distance < 0.28], [1, 3, 2], 0).astype(np.uint8)


@pytest.mark.parametrize("oblique", [False, True], ids=["straight", "oblique"])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.9, 1.2, 2.5)], ids=["unit", "anisotropic"])
@pytest.mark.parametrize("axes", AXES)
def test_label_map_survives_the_round_trip(
    axes: str, spacing: tuple[float, float, float], oblique: bool, tmp_path: Path
) -> None:
    grid, truth = affine(AXES[axes], spacing, oblique=oblique), ellipsoids(spacing)
    head = np.zeros(SHAPE)
    head[2:-3, 1:-2, 3:-1] = 1
    channels = [head * (1 + np.isin(truth, values)) for values in REGIONS.values()]
    folder = tmp_path / "data" / "c1"
    folder.mkdir(parents=True)
    for ending, channel in zip(("t1n", "t1c", "t2w", "t2f"), [*channels, head * (1 + (truth > 0))], strict=True):
        nib.save(nib.Nifti1Image(channel.astype(np.float32), grid), folder / f"c1-{ending}.nii.gz")
    parser = ConfigParser()
    parser.read_config(CONFIG)
    parser.update({"dataset_dir": str(tmp_path / "data"), "output_dir": str(tmp_path / "out"), "handlers": []})
    parser.update({"channels": [4, 8], "roi_size": [64, 64, 64], "num_workers": 0, "device": "cpu", "amp": False})
    parser["network"] = ReadRegions()
    parser.get_parsed_content("evaluator").run()
    written = nib.load(tmp_path / "out" / "c1" / "c1_seg.nii.gz")
    np.testing.assert_array_equal(written.affine, nib.load(folder / "c1-t1n.nii.gz").affine)
    assert written.shape == SHAPE
    if spacing == (1.0, 1.0, 1.0):
        np.testing.assert_array_equal(np.asarray(written.dataobj), truth)
    scores = region_dice(np.asarray(written.dataobj), truth, regions=REGIONS)
    assert min(scores.values()) > RESAMPLED_DICE, scores
