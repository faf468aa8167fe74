"""An exported network computes what the bundle's does, or there is no file."""

import json
from pathlib import Path

import onnxruntime
import pytest
import torch
from monai.bundle import ConfigParser

from iunet_med import export
from iunet_med.export import export_network

BUNDLES = sorted(path.parents[1] for path in (Path(__file__).parents[1] / "bundle").glob("*/configs/metadata.json"))
CHANNELS = [4, 8, 16, 32]
pytestmark = pytest.mark.filterwarnings(
    "ignore:parsing config_file:UserWarning",
    "ignore:.torch.jit.* is deprecated:DeprecationWarning",
    "ignore:.isinstance.treespec:FutureWarning",
)


@pytest.fixture(params=BUNDLES, ids=lambda path: path.name)
def bundle(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def weights(bundle: Path, tmp_path: Path) -> Path:
    parser = ConfigParser()
    parser.read_config(bundle / "configs" / "inference.json")
    parser["channels"] = CHANNELS
    torch.save(parser.get_parsed_content("network_def").state_dict(), tmp_path / "weights.pt")
    return tmp_path / "weights.pt"


def test_torchscript_is_the_same_to_the_bit(bundle: Path, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.ts"
    assert export_network(out, bundle, size=(17, 16, 10), checkpoint=weights, channels=CHANNELS) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.ts", "weights.pt"]


@pytest.mark.slow
def test_onnx_is_the_same_to_rounding(bundle: Path, weights: Path, tmp_path: Path) -> None:
    for size in ((16, 16, 16), (20, 16, 10)):
        export_network(tmp_path / "model.onnx", bundle, size=size, checkpoint=weights, channels=CHANNELS)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    assert [one.name for one in (*session.get_inputs(), *session.get_outputs())] == ["image", "pred"]
    told = session.get_modelmeta().custom_metadata_map
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())["network_data_format"]
    assert json.loads(told["labels"]) == metadata["outputs"]["pred"]["channel_def"]
    assert json.loads(told["channels"]) == metadata["inputs"]["image"]["channel_def"]
    assert json.loads(told["preprocessing"])["_target_"] == "Compose"


def test_a_file_that_computes_something_else_is_not_kept(
    bundle: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "model.ts"
    out.write_text("the earlier file")
    monkeypatch.setattr(export, "_open", lambda path: lambda image: torch.full((1, 1, *image.shape[2:]), torch.nan))
    with pytest.raises(ValueError, match=r"differs from the bundle's by up to nan, .*model\.ts was not written"):
        export_network(out, bundle, size=(16, 16, 16), checkpoint=weights, channels=CHANNELS)
    assert out.read_text() == "the earlier file"


def test_another_ending_is_refused(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model\.pth ends in '\.pth'; name the file \*\.ts for TorchScript or"):
        export_network(tmp_path / "model.pth", bundle)


def test_weights_that_are_missing_or_anothers_are_told(bundle: Path, weights: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*absent\.pt; train first, or pass --checkpoint FILE"):
        export_network(tmp_path / "model.ts", bundle, checkpoint=tmp_path / "absent.pt")
    with pytest.raises(ValueError, match="holds another network's weights"):
        export_network(tmp_path / "model.ts", bundle, checkpoint=weights)
