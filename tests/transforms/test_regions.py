"""Regions and label maps are two views of one segmentation."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from iunet_med.datasets import dataset_layout
from iunet_med.transforms import LabelToRegionsd, RegionsToLabeld, own_values

BRATS23 = {"ET": [3], "TC": [1, 3], "WT": [1, 2, 3]}


def label_map(*values: int) -> MetaTensor:
    label = torch.tensor(values, dtype=torch.float32).reshape(1, -1, 1, 1)
    return MetaTensor(label, affine=torch.diag(torch.tensor([2.0, 3, 4, 1])), meta={"filename_or_obj": "x-seg.nii.gz"})


@pytest.mark.parametrize("name", ["brats18", "brats23", "msd"])
def test_label_map_comes_back_from_its_regions(name: Any) -> None:
    regions = dataset_layout(name).regions
    values = sorted({0, *regions["WT"]})
    label = torch.from_numpy(np.random.default_rng(0).choice(values, (1, 5, 6, 7))).float()
    masks = LabelToRegionsd("label", regions)({"label": label})["label"]
    torch.testing.assert_close(RegionsToLabeld("label", regions)({"label": masks})["label"], label.to(torch.uint8))


def test_channels_are_the_regions_in_the_mappings_order() -> None:
    masks = LabelToRegionsd("label", BRATS23)({"label": label_map(0, 1, 2, 3)})["label"]
    assert masks[..., 0, 0].tolist() == [[0, 0, 0, 1], [0, 1, 0, 1], [0, 1, 1, 1]]
    assert masks.dtype == torch.float32


def test_both_keep_the_affine() -> None:
    label = label_map(0, 1, 2, 3)
    masks = LabelToRegionsd("label", BRATS23)({"label": label})["label"]
    merged = RegionsToLabeld("label", BRATS23)({"label": masks})["label"]
    for image in (masks, merged):
        assert isinstance(image, MetaTensor)
        torch.testing.assert_close(image.affine, label.affine)
        assert image.meta["filename_or_obj"] == "x-seg.nii.gz"


def test_the_innermost_region_is_painted_last() -> None:
    probabilities = torch.tensor([[0.9, 0.1, 0.1, 0.5], [0.1, 0.9, 0.1, 0.5], [0.9, 0.9, 0.9, 0.5]]).reshape(3, 4, 1, 1)
    merged = RegionsToLabeld("pred", BRATS23)({"pred": probabilities})["pred"]
    assert merged.flatten().tolist() == [3, 1, 2, 0]


def test_the_threshold_is_the_callers() -> None:
    pred = torch.tensor([0.2, 0.4]).reshape(1, 2, 1, 1)
    assert RegionsToLabeld("pred", {"lesion": [7]}, threshold=0.3)({"pred": pred})["pred"].flatten().tolist() == [0, 7]


def test_own_value_is_what_the_nested_regions_leave() -> None:
    assert own_values(BRATS23) == {"ET": 3, "TC": 1, "WT": 2}
    assert own_values({"liver": [5], "spleen": [1]}) == {"liver": 5, "spleen": 1}


@pytest.mark.parametrize(
    ("regions", "name", "left"),
    [
        ({"WT": [1, 2, 3], "ET": [3]}, "WT", [1, 2]),
        ({"a": [1, 2], "b": [2, 3]}, "a", [1, 2]),
        ({"a": [1], "b": [2], "c": [1, 2]}, "c", []),
        ({"a": [0]}, "a", [0]),
    ],
)
def test_regions_that_no_label_map_can_hold_are_refused(regions: Any, name: str, left: list[int]) -> None:
    told = re.escape(
        f"region {name} of {regions} has the label values {left} beyond the regions nested in it; expected "
    )
    with pytest.raises(ValueError, match=told + "exactly one"):
        RegionsToLabeld("pred", regions)


def test_an_unknown_label_value_is_refused_with_its_file() -> None:
    told = r"x-seg\.nii\.gz has the label values \[2\.5, 4\.0\], which no region of \{'ET': \(3,\), .* contains; choose"
    with pytest.raises(ValueError, match=told):
        LabelToRegionsd("label", BRATS23)(
            {"label": label_map(0, 1, 4, 4) + torch.tensor([0, 0, 0, -1.5]).reshape(1, 4, 1, 1)}
        )


def test_a_channel_per_region_is_needed() -> None:
    with pytest.raises(
        ValueError, match="patient has 2 channels, and there are 3 regions; give the network one output"
    ):
        RegionsToLabeld("pred", BRATS23)({"pred": torch.zeros(2, 4, 4, 4), "case": "patient"})
