"""The bundles that come with the package are found by name, and copied whole."""

import json
from pathlib import Path

import pytest

from iunet_med.shipped import BUNDLES, bundle_folder, copy_shipped, shipped_bundles

NAME = "iunet_brats_mri"


def test_a_bundle_is_found_by_name_and_by_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert NAME in shipped_bundles()
    assert bundle_folder(NAME) == BUNDLES / NAME
    copied, _ = copy_shipped(NAME, tmp_path)
    assert bundle_folder(copied) == copied
    (tmp_path / NAME / "configs").mkdir(parents=True)
    (tmp_path / NAME / "configs" / "metadata.json").write_text("{}")
    assert bundle_folder(NAME) == Path(NAME), "the folder that one sees comes first"


def test_what_is_no_bundle_is_refused_with_the_names(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{NAME}.*; got .*absent, which is no folder"):
        bundle_folder(tmp_path / "absent")
    with pytest.raises(ValueError, match="which is no bundle"):
        bundle_folder(tmp_path)


def test_a_copy_holds_configs_weights_and_overlays_and_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    own = tmp_path / "configs" / "cpu_demo.json"
    own.write_text("{}")
    bundle, overlays = copy_shipped(NAME, tmp_path)
    assert (bundle / "models" / "model.pt").read_bytes() == (BUNDLES / NAME / "models" / "model.pt").read_bytes()
    assert json.loads((bundle / "configs" / "train.json").read_text()).keys() >= {"network_def", "train"}
    assert (overlays / "iunet32.json").is_file()
    assert own.read_text() == "{}"
    with pytest.raises(ValueError, match="exists already; rename or remove it"):
        copy_shipped(NAME, tmp_path)
    with pytest.raises(ValueError, match="expected one of the bundles"):
        copy_shipped("../x", tmp_path)
