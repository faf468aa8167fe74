"""Tiny cases in the layouts of public data sets, for the tests of data, transforms and bundles."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

# Without a GPU Triton's kernels are interpreted; Triton reads this when it is imported first.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

SUFFIXES = ("t1n", "t1c", "t2w", "t2f")
LAS = np.diag([-1.0, 1.0, 1.0, 1.0])


def write_nifti(path: Path, array: NDArray[np.generic], affine: NDArray[np.float64] = LAS) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, affine), path)


def tiny_label(shape: tuple[int, int, int], seed: int) -> NDArray[np.uint8]:
    """Draw nested balls: BraTS-2023 values 2 (oedema) around 3 (enhancing) around 1 (necrotic)."""
    centre = np.array(shape) / 2 + np.random.default_rng(seed).uniform(-2, 2, 3)
    distance = np.linalg.norm(np.moveaxis(np.indices(shape), 0, -1) - centre, axis=-1)
    return np.select([distance < 2, distance < 4, distance < 6], [1, 3, 2], 0).astype(np.uint8)


def write_brats_case(
    root: Path,
    name: str,
    *,
    seed: int = 0,
    shape: tuple[int, int, int] = (22, 24, 20),
    affine: NDArray[np.float64] = LAS,
) -> Path:
    """Write one case as BraTS 2023 does; every modality sees the tumour, each in its own brightness."""
    label = tiny_label(shape, seed)
    noise = np.random.default_rng(seed)
    for brightness, suffix in enumerate(SUFFIXES, start=1):
        image = 100 + 50 * brightness * (label > 0) + noise.normal(0, 5, shape)
        write_nifti(root / name / f"{name}-{suffix}.nii.gz", image.astype(np.float32), affine)
    write_nifti(root / name / f"{name}-seg.nii.gz", label, affine)
    return root / name


def write_pairs(root: Path, names: Sequence[str]) -> Path:
    """Write folders of an image and its truth, as the restoration bundle reads them."""
    for seed, name in enumerate(names):
        truth = np.random.default_rng(seed).uniform(0, 1, (22, 24, 20)).astype(np.float32)
        write_nifti(root / name / f"{name}_truth.nii.gz", truth)
        write_nifti(root / name / f"{name}_fbp.nii.gz", truth + np.float32(0.1))
    return root


def write_organ_folder(root: Path, *, hounsfield: bool, classes: int, names: Sequence[str]) -> Path:
    """Write folders `images` and `labels`, as `OrganLayout` reads them, with a ball of each class in turn."""
    shape, affine = (22, 24, 20), np.diag([-3.0, 3.0, 3.0, 1.0]) if hounsfield else LAS
    for seed, name in enumerate(names):
        label = (tiny_label(shape, seed) * (1 + seed % max(1, classes // 3))).clip(0, classes).astype(np.uint8)
        noise = np.random.default_rng(seed).normal(0, 5, shape)
        image = np.where(label > 0, 60, -20 if hounsfield else 100) + noise
        if hounsfield:
            image[:, :, 0] = -1000
        write_nifti(root / "images" / f"{name}.nii.gz", image.astype(np.float32), affine)
        write_nifti(root / "labels" / f"{name}.nii.gz", label, affine)
    return root


@pytest.fixture(scope="session")
def labelled_folder(brats_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Return for a bundle a folder of five labelled cases of its kind; read only."""

    def make(bundle: Path) -> Path:
        formats = json.loads((bundle / "configs" / "metadata.json").read_text())["network_data_format"]
        image = formats["inputs"]["image"]
        if image["num_channels"] > 1:
            return brats_folder
        root = tmp_path_factory.getbasetemp() / f"labelled-{bundle.name}"
        if root.is_dir():
            return root
        names = [f"case-{number}" for number in range(5)]
        if formats["outputs"]["pred"]["format"] != "classes":
            return write_pairs(root, names)
        classes = formats["outputs"]["pred"]["num_channels"] - 1
        return write_organ_folder(root, hounsfield=image["modality"] == "CT", classes=classes, names=names)

    return make


@pytest.fixture
def brats_case() -> Callable[..., Path]:
    return write_brats_case


@pytest.fixture(scope="session")
def brats_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five complete cases of four patients; read only."""
    root = tmp_path_factory.mktemp("brats")
    for seed, name in enumerate(("GLI-1-000", "GLI-1-001", "GLI-2-000", "GLI-3-000", "GLI-4-000")):
        write_brats_case(root, name, seed=seed)
    return root
