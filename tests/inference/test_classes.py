"""Some classes alone keep the classes nested in them, whatever the case of their names."""

from pathlib import Path

import pytest
import torch

from iunet_med.datasets import dataset_layout
from iunet_med.inference.bundle import open_bundle
from iunet_med.inference.classes import class_rows, only_classes


def test_a_region_keeps_what_is_nested_in_it(tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle, settings={"channels": [4, 8], "device": "cpu", "amp": False})
    chosen = only_classes(bundle, ["tc"])
    assert chosen.layout.regions == {"TC": bundle.layout.regions["TC"]}
    kept = chosen.finishing({"pred": torch.tensor([[[[0, 1, 2, 3]]]], dtype=torch.uint8)})["pred"]
    assert torch.as_tensor(kept).flatten().tolist() == [0, 1, 0, 3]
    assert only_classes(bundle, []) is bundle
    with pytest.raises(ValueError, match="--classes nose, ear: expected some of ET, TC, WT"):
        only_classes(bundle, ["TC", "nose", "ear"])


def test_rows_name_values() -> None:
    assert class_rows(dataset_layout("brats23")) == [("ET", "3", "3"), ("TC", "1", "1 3"), ("WT", "2", "1 2 3")]
