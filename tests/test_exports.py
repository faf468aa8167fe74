"""Every bundle's network is exported by MONAI's verbs, and the exported one computes what the network does."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from monai.bundle import ConfigParser, ckpt_export, onnx_export

BUNDLES = sorted(path.parent for path in (Path(__file__).parents[1] / "bundle").glob("*/configs/metadata.json"))
CHANNELS = [4, 8]
pytestmark = [
    pytest.mark.parametrize("configs", BUNDLES, ids=lambda path: path.parent.name),
    pytest.mark.filterwarnings(
        "ignore:parsing config_file:UserWarning",
        "ignore:.torch.jit.* is deprecated:DeprecationWarning",
        "ignore:.isinstance.treespec:FutureWarning",
    ),
]


def trained(configs: Path, folder: Path) -> tuple[torch.nn.Module, dict[str, str]]:
    """Write weights; return their network and where the verbs find both."""
    parser = ConfigParser()
    parser.read_config(configs / "inference.json")
    parser["channels"] = CHANNELS
    network: torch.nn.Module = parser.get_parsed_content("network_def").eval()
    torch.save(network.state_dict(), folder / "model.pt")
    meta, config = configs / "metadata.json", configs / "inference.json"
    return network, {"ckpt_file": str(folder / "model.pt"), "meta_file": str(meta), "config_file": str(config)}


def image(*size: int) -> torch.Tensor:
    return torch.randn(1, 4, *size)


def test_torchscript_at_two_sizes(configs: Path, tmp_path: Path) -> None:
    network, files = trained(configs, tmp_path)
    ckpt_export("network_def", filepath=str(tmp_path / "model.ts"), channels=CHANNELS, **files)
    exported = torch.jit.load(tmp_path / "model.ts")
    for x in (image(16, 16, 16), image(17, 12, 10)):
        with torch.no_grad():
            torch.testing.assert_close(exported(x), network(x), rtol=0, atol=0)


@pytest.mark.slow
def test_onnx_at_two_sizes(configs: Path, tmp_path: Path) -> None:
    network, files = trained(configs, tmp_path)
    for x in (image(16, 16, 16), image(20, 16, 10)):
        path = str(tmp_path / "model.onnx")
        onnx_export("network_def", filepath=path, channels=CHANNELS, input_shape=list(x.shape), **files)
        session = onnxruntime.InferenceSession(path)
        (exported,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(exported, network(x).numpy(), atol=1e-4)
