"""Configs of plain values and harmless parts need no trust; whatever could write or run something does."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ComponentLocator

import iunet_med.datasets
from iunet_med.inference.trust import OWN_PARTS, check_trusted, is_harmless

LAYOUT = {"_target_": "iunet_med.datasets.FolderLayout", "modalities": {"t1": "T1.nii.gz"}, "label": "x", "regions": {}}


def check(config: dict[str, Any]) -> None:
    check_trusted(Path("mine.json"), json.dumps(config).encode(), config)


@pytest.mark.parametrize(
    "config",
    [
        {"layout": LAYOUT},
        {"layout::name": "brats18", "overlap": 0.25, "_desc_": "ours"},
        {"spacing": [2, 2, 2], "preprocessing": {"_target_": "Compose", "transforms": []}},
        {"x": [{"_target_": "Spacingd", "keys": "image", "pixdim": "@spacing", "_disabled_": True}]},
        {"x": {"_target_": "monai.transforms.ScaleIntensityRanged", "keys": "image", "a_min": -100}},
        {"x": {"_target_": "LoadImaged", "keys": "image", "reader": "iunet_med.datasets.ModalityReader"}},
        {"network_def": {"_target_": "iunet_med.networks.IUNet", "in_channels": 4, "out_channels": 3}},
        {"output_dir": "mail@home/50%/$x"},
    ],
)
def test_plain_values_and_harmless_parts_need_no_trust(config: dict[str, Any]) -> None:
    check(config)


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"imports": ["$import os"]}, r"imports::0 is '\$import os'"),
        ({"a": {"b": "$1"}}, "a::b"),
        ({"a": "%other.json::x"}, "a is '%other"),
        ({"spacing": "@run"}, "spacing is '@run'"),
        ({"spacing": "@run::0"}, "spacing"),
        ({"x": {"_target_": "os.system", "command": "true"}}, "x::_target_ is 'os.system'"),
        ({"x": {"_target_": "iunet_med.files.os.system"}}, "x::_target_"),
        ({"x": {"_target_": "iunet_med.datasets.datalist.write_datalist"}}, "x::_target_"),
        ({"x": {"_target_": "iunet_med.transforms.SaveSegmentationd"}}, "x::_target_"),
        ({"x": {"_target_": "monai.transforms.utils.optional_import"}}, "x::_target_"),
        *(
            ({"x": {"_target_": name}}, f"x::_target_ is '{name}'")
            for name in ("SaveImaged", "SaveImage", "Lambdad", "TorchVisiond", "TorchIOd", "WriteFileMappingd")
        ),
        ({"x": {"_target_": "SaveClassificationd"}}, "x::_target_"),
        ({"x": {"_target_": "SupervisedEvaluator"}}, "x::_target_"),
        ({"x": {"_target_": {"_target_": "Compose"}}}, "x::_target_"),
        ({"x": {"_target_": "Compose", "_mode_": "debug"}}, "x::_mode_"),
        ({"x": {"_target_": "Compose", "_requires_": "@run"}}, "x::_requires_"),
        ({"x": {"_target_": "Compose", "_debug_": True}}, "x::_debug_"),
        ({"x": {"_target_": "LoadImaged", "keys": "image", "reader": "os.system"}}, "x::reader is 'os.system'"),
        ({"preprocessing::transforms::0::reader": ["os.system"]}, "preprocessing::transforms::0::reader"),
        ({"network_def#_target_": "os.system"}, "network_def#_target_"),
        ({"+_target_": "os.system"}, "_target_"),
        ({"+imports": ["$import os"]}, "imports::0"),
        ({"x": {"_target_": "Compose", "_desc_": "$print(1)"}}, "x::_desc_"),
    ],
)
def test_what_could_run_is_named(config: dict[str, Any], place: str) -> None:
    with pytest.raises(ValueError, match=rf"^mine\.json is not a config .* its id .*{place}.* pass --trust if you"):
        check(config)


def test_the_harmless_parts_exist() -> None:
    for module, names in OWN_PARTS.items():
        loaded = __import__(module, fromlist=["x"])
        assert {name for name in names if not hasattr(loaded, name)} == set()


def test_every_layout_can_be_named() -> None:
    layouts = {name for name in iunet_med.datasets.__all__ if name.endswith("Layout")} - {"Layout"}
    assert layouts <= OWN_PARTS["iunet_med.datasets"], "add the new layout to OWN_PARTS, if it neither writes nor runs"


def test_a_bare_name_means_the_transform_alone() -> None:
    import monai.transforms

    names = [name for name, part in vars(monai.transforms).items() if inspect.isclass(part) and is_harmless(name)]
    locator = ComponentLocator()
    assert len(names) > 100
    places = {name: locator.get_component_module_name(name) for name in names}
    assert {n: at for n, at in places.items() if not (isinstance(at, str) and at.startswith("monai.transforms."))} == {}
