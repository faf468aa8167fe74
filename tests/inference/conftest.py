"""A bundle with tiny weights, and cases large enough to be heads."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from pydicom import Dataset
from pydicom.uid import EnhancedCTImageStorage

BRATS = Path(__file__).parents[2] / "bundle" / "iunet_brats_mri"
TINY: dict[str, Any] = {"channels": [4, 8], "roi_size": [16, 16, 16], "device": "cpu", "amp": False}
LAS_15MM = np.diag([-1.5, 1.5, 1.5, 1.0])


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped bundle with weights for `TINY`; read only."""
    root = tmp_path_factory.mktemp("bundle") / "tiny"
    shutil.copytree(BRATS, root, ignore=shutil.ignore_patterns("models", "eval"))
    parser = ConfigParser()
    parser.read_config(root / "configs" / "inference.json")
    parser.update(TINY)
    torch.manual_seed(0)
    (root / "models").mkdir()
    torch.save(parser.get_parsed_content("network_def").state_dict(), root / "models" / "model.pt")
    return root


@pytest.fixture
def heads(tmp_path: Path, brats_case: Callable[..., Path]) -> Path:
    """Three BraTS cases of 33 x 36 x 30 mm."""
    for seed, name in enumerate(("GLI-1-000", "GLI-2-000", "GLI-3-000")):
        brats_case(tmp_path / "scans", name, seed=seed, affine=LAS_15MM)
    return tmp_path / "scans"


@pytest.fixture
def in_one_file() -> Callable[[list[Dataset]], Dataset]:
    return _in_one_file


def _in_one_file(slices: list[Dataset]) -> Dataset:
    """The slices of a series as frames of one file, as scanners write Enhanced CT."""
    one, measures, turned, shared = (Dataset() for _ in range(4))
    one.update(slices[0])
    one.file_meta = slices[0].file_meta
    one.SOPClassUID, one.NumberOfFrames, one.ImageType = EnhancedCTImageStorage, len(slices), ["ORIGINAL", "PRIMARY"]
    measures.PixelSpacing, measures.SliceThickness = one.PixelSpacing, one.SliceThickness
    turned.ImageOrientationPatient = one.ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [turned]
    places = []
    for item in slices:
        at, group = Dataset(), Dataset()
        at.ImagePositionPatient = item.ImagePositionPatient
        group.PlanePositionSequence = [at]
        places.append(group)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(one, name)
    one.SharedFunctionalGroupsSequence, one.PerFrameFunctionalGroupsSequence = [shared], places
    one.PixelData = b"".join(item.PixelData for item in slices)
    return one
