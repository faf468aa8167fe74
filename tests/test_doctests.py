"""The examples in docstrings compute what they show."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

import iunet_med

MODULES = [info.name for info in pkgutil.walk_packages(iunet_med.__path__, "iunet_med.") if "__main__" not in info.name]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    if name.startswith("iunet_med.monai_label.server"):
        pytest.importorskip("monailabel", reason="runs in MONAI Label's environment alone")
    torch.manual_seed(0)
    module = importlib.import_module(name)
    results = doctest.testmod(
        module, extraglobs={"torch": torch, "np": np, "MetaTensor": MetaTensor}, optionflags=doctest.ELLIPSIS
    )
    assert results.failed == 0
