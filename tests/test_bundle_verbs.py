"""MONAI's verbs work on every bundle, from inside its folder and from outside."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigWorkflow, load, verify_metadata, verify_net_in_out

REPOSITORY = Path(__file__).parents[1]
BUNDLES = sorted(path.parents[1] for path in REPOSITORY.glob("bundle/*/configs/metadata.json"))
SCHEMA = REPOSITORY / "tests" / "metadata_schema.json"
HASH = hashlib.md5(SCHEMA.read_bytes()).hexdigest()
TINY = {"roi_size": [16, 16, 16], "num_workers": 0, "device": "cpu", "amp": False}
WORKFLOWS = {
    "train": ["train.json"],
    "train+evaluate": ["train.json", "inference.json", "evaluate.json"],
    "evaluate": ["inference.json", "evaluate.json"],
    "infer": ["inference.json"],
}
pytestmark = pytest.mark.parametrize("bundle", BUNDLES, ids=lambda path: path.name)


@pytest.fixture(params=["inside", "outside"])
def prefix(request: pytest.FixtureRequest, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configs' folder, relative to the bundle's folder or to the repository's."""
    folder = bundle if request.param == "inside" else REPOSITORY
    monkeypatch.chdir(folder)
    return (bundle / "configs").relative_to(folder)


def test_metadata_follows_the_schema(bundle: Path, prefix: Path) -> None:
    verify_metadata(meta_file=str(prefix / "metadata.json"), filepath=str(SCHEMA), hash_val=HASH)


def test_metadata_against_the_schema_can_fail(bundle: Path, tmp_path: Path) -> None:
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
    del metadata["network_data_format"]["inputs"]["image"]["dtype"]
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="'dtype' is a required property"):
        verify_metadata(meta_file=str(tmp_path / "metadata.json"), filepath=str(SCHEMA), hash_val=HASH)


@pytest.mark.parametrize("config", ["train", "inference"])
@pytest.mark.parametrize("patches", [1, 2])
def test_network_takes_what_the_metadata_says(bundle: Path, prefix: Path, config: str, patches: int) -> None:
    files = {"meta_file": str(prefix / "metadata.json"), "config_file": str(prefix / f"{config}.json")}
    verify_net_in_out(net_id="network_def", n=patches, p=patches, device="cpu", **files)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_check_properties_reports_nothing(
    bundle: Path, prefix: Path, workflow: str, labelled_folder: Callable[[Path], Path], tmp_path: Path
) -> None:
    configs = [str(prefix / name) for name in WORKFLOWS[workflow]]
    paths = {"dataset_dir": str(labelled_folder(bundle)), "bundle_root": str(tmp_path), "output_dir": str(tmp_path)}
    kind = "train" if workflow.startswith("train") else "infer"
    run = ConfigWorkflow(configs, workflow_type=kind, logging_file=False, init_id="none", **TINY, **paths)
    run.initialize()
    assert run.check_properties() == []


@pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")
@pytest.mark.parametrize("kind", ["train", "inference"])
def test_load_returns_the_network_with_the_shipped_weights(bundle: Path, kind: str) -> None:
    network = load(name=bundle.name, bundle_dir=str(bundle.parent), workflow_type=kind, device="cpu")
    weights = torch.load(bundle / "models" / "model.pt", weights_only=True)
    assert isinstance(network, torch.nn.Module)
    loaded = network.state_dict()
    for name, tensor in weights.items():
        torch.testing.assert_close(loaded[name], tensor, rtol=0, atol=0)
    assert all(name.endswith("map_number") for name in loaded.keys() - weights.keys())


def test_shipped_weights_are_small_and_plain(bundle: Path) -> None:
    path = bundle / "models" / "model.pt"
    assert path.stat().st_size <= 10e6
    assert all(isinstance(value, torch.Tensor) for value in torch.load(path, weights_only=True).values())
