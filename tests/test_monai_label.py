"""What MONAI Label does to a bundle's configs, done by hand: the contract that its server counts on.

It reads metadata and configs, puts a plain device and its own items in, a handler in front of ours, and takes
transforms away.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose, Invertd, LoadImaged, SaveImaged

from iunet_med.datasets.problems import DatasetError, first_cause

REPOSITORY = Path(__file__).parents[1]
BUNDLES = sorted(
    path.parents[1] for path in REPOSITORY.glob("bundle/*/configs/metadata.json") if '"classes"' in path.read_text()
)
"""Those whose output is label maps."""
TINY = {"channels": [4, 8], "couplings": 1, "roi_size": [16, 16, 16], "num_workers": 0, "amp": False, "cache_rate": 0.0}
pytestmark = pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)


@pytest.fixture
def items(bundle: Path, labelled_folder: Callable[[Path], Path]) -> list[dict[str, str]]:
    """Items as MONAI Label hands them on: one file of a case, and its label."""
    root = labelled_folder(bundle)
    if (root / "images").is_dir():
        return [
            {"image": str(path), "label": str(root / "labels" / path.name)} for path in sorted(root.glob("images/*"))
        ]
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    return [
        {"image": str(folder / f"{folder.name}-t2w.nii.gz"), "label": str(folder / f"{folder.name}-seg.nii.gz")}
        for folder in folders
    ]


def test_one_file_of_a_case_is_segmented_on_its_grid(bundle: Path, items: list[dict[str, str]]) -> None:
    parser = ConfigParser()
    parser.read_config(bundle / "configs" / "inference.json")
    parser.config.update({"bundle_root": str(bundle), "device": "cpu", **TINY})
    given = {"image": items[0]["image"]}
    before = parser.get_parsed_content("preprocessing").transforms
    assert not any(isinstance(step, LoadImaged) for step in before), "these are wrapped, with one file in mind"
    data = Compose(before)({**given, "image_path": given["image"], "device": "cpu"})
    assert data["image_path"] == given["image"]
    network = parser.get_parsed_content("network_def").eval()
    with torch.no_grad():
        data["pred"] = parser.get_parsed_content("inferer")(data["image"][None], network)[0]
    after = parser.get_parsed_content("postprocessing").transforms
    assert any(isinstance(step, Invertd) for step in after)
    done = Compose([step for step in after if not isinstance(step, SaveImaged)])(data)["pred"]
    image = data["image"].meta
    np.testing.assert_array_equal(done.shape[1:], image["spatial_shape"])
    np.testing.assert_allclose(done.affine, image["original_affine"], atol=1e-4)
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    named = metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
    assert set(np.unique(done).astype(int)) <= {int(value) for value in named}


@pytest.fixture
def train(bundle: Path, tmp_path: Path) -> Callable[..., Any]:
    def run(items: list[dict[str, str]], validation: list[dict[str, str]]) -> None:
        parser = ConfigParser()
        parser.read_config(bundle / "configs" / "train.json")
        parser.config.update({"bundle_root": str(tmp_path), **TINY})
        handlers = parser.get("train#handlers")
        assert all("_target_" in handler for handler in handlers)
        handlers.insert(0, {"_target_": "GarbageCollector"})
        updates = {"train#trainer#max_epochs": 1, "train#dataset#data": items, "device": torch.device("cpu")}
        parser.update({**updates, "train#handlers": handlers, "validate#dataset#data": validation})
        parser.get_parsed_content("train#trainer").run()

    return run


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.dataloader. is empty:UserWarning")
@pytest.mark.parametrize("validated", [False, True])
def test_a_single_label_trains_and_is_served(
    validated: bool, train: Callable[..., Any], items: list[dict[str, str]], tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "model.pt").write_bytes(b"the weights of before")
    train(items[:1], items[:1] if validated else [])
    assert (tmp_path / "models" / "model-1.pt").read_bytes() == b"the weights of before"
    assert "lift.weight" in torch.load(tmp_path / "models" / "model.pt", weights_only=True)
    assert sorted(path.name for path in (tmp_path / "models").glob("*.pt")) == ["model-1.pt", "model.pt"]


def test_a_bad_label_is_refused_before_the_weights_change(
    train: Callable[..., Any], items: list[dict[str, str]], tmp_path: Path
) -> None:
    bad = items[0] | {"label": items[1]["image"]}
    with pytest.raises(RuntimeError) as caught:
        train([bad], [])
    assert isinstance(first_cause(caught.value), DatasetError)
    assert not (tmp_path / "models").exists()
