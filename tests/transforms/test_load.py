"""Items of any program load as the same image, and an order that cannot be right is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from iunet_med.datasets import dataset_layout
from iunet_med.transforms import LoadModalitiesd, RegionsToLabeld

ENDS = ("t1n", "t1c", "t2w", "t2f")
NAMES = ["t1", "t1c", "t2", "flair"]
OBLIQUE = np.array([[0, -1.2, 0.1, 5], [1.5, 0.1, 0, -7], [0, 0.3, -2, 11], [0, 0, 0, 1]])


def load(**item: object) -> dict:
    return LoadModalitiesd("image", dataset_layout("brats23"))(item)


def test_one_file_is_its_case_and_a_file_with_channels_is_the_same(
    tmp_path: Path, brats_case: Callable[..., Path]
) -> None:
    folder = brats_case(tmp_path, "A-1", affine=OBLIQUE)
    files = [folder / f"A-1-{end}.nii.gz" for end in ENDS]
    ours = load(image=[str(file) for file in files[::-1]], modalities=NAMES[::-1])
    sibling = load(image=str(files[2]), image_path=str(files[2]))
    whole = nib.Nifti1Image(np.stack([nib.load(file).get_fdata(dtype=np.float32) for file in files], -1), OBLIQUE)
    nib.save(whole, tmp_path / "whole.nii.gz")
    (tmp_path / "dataset.json").write_text(json.dumps({"modality": dict(enumerate(["T1w", "t1gd", "T2w", "FLAIR"]))}))
    channels = load(image=tmp_path / "whole.nii.gz")
    for other in (sibling, channels):
        torch.testing.assert_close(other["image"].as_tensor(), ours["image"].as_tensor())
        torch.testing.assert_close(other["image"].affine, ours["image"].affine)
    np.testing.assert_allclose(ours["image"].affine, OBLIQUE, atol=1e-6)
    assert "modalities" not in ours


def test_the_label_map_has_the_values_of_the_study(tmp_path: Path) -> None:
    for end in ("t1", "t1ce", "t2", "flair"):
        nib.save(nib.Nifti1Image(np.ones((2, 2, 2), np.float32), np.eye(4)), tmp_path / f"P1_{end}.nii.gz")
    item = load(image=tmp_path / "P1_t2.nii.gz")
    item["pred"] = torch.tensor([0.9, 0.9, 0.9]).reshape(3, 1, 1, 1)
    paint = RegionsToLabeld("pred", dataset_layout("brats23").regions)
    assert paint(item)["pred"].item() == 4
    assert paint({"pred": item["pred"]})["pred"].item() == 3


def test_an_order_that_the_contrasts_contradict_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    random = np.random.default_rng(0)
    tissue = random.uniform(1, 2, (24, 24, 24))
    noise = iter(random.normal(0, 0.02, (4, 24, 24, 24)))
    contrasts = {"t1": tissue, "t1c": tissue + 0.3, "t2": 4 - tissue, "flair": tissue**0.5}
    images = {name: image + next(noise) for name, image in contrasts.items()}
    for file, order in (("right", NAMES), ("decathlon", ["flair", "t1", "t1c", "t2"])):
        array = np.stack([images[name] for name in order], -1).astype(np.float32)
        nib.save(nib.Nifti1Image(array, np.eye(4)), tmp_path / f"{file}.nii.gz")
    load(image=tmp_path / "right.nii.gz")
    assert "does not name its channels; they are taken as t1, t1c, t2, flair" in caplog.text
    with pytest.raises(ValueError, match=r"decathlon\.nii\.gz: expected channels in the order t1, t1c, t2, flair"):
        load(image=tmp_path / "decathlon.nii.gz")
