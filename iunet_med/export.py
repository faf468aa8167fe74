"""Exports a bundle's network by MONAI's verbs, and keeps the file only if it computes what the network does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ckpt_export, onnx_export
from torch import Tensor

from iunet_med.files import replacing
from iunet_med.handlers.checkpoints import load_weights
from iunet_med.inference.configs import in_words, plain, read_configs, read_metadata
from iunet_med.inference.trust import check_metadata
from iunet_med.shipped import bundle_folder

TOLERANCE = 1e-4
"""The largest difference from the network's own output that a runtime's other order of additions explains."""


def export_network(
    out: str | Path,
    bundle: str | Path,
    *,
    size: Sequence[int] = (128, 128, 128),
    checkpoint: str | Path | None = None,
    trust: bool = False,
    **overrides: Any,
) -> float:
    """Write a bundle's network with its weights, read it again, compare it, and return the largest difference.

    Args:
        out: the file to write, which appears only when the comparison is passed. A name on `.ts` makes TorchScript,
            which takes images of any size, one on `.onnx` makes ONNX, which takes those of `size`; its input is called
            `image`, its output `pred`, and its metadata hold channels, labels, spacing and preprocessing.
        bundle: the bundle's folder, or the name of one that comes with the package.
        size: spatial size of the image to compare with (D, H, W); TorchScript is compared at three quarters of it, too.
        checkpoint: the weights; `models/model.pt` of the bundle if None.
        trust: whether to run a config that this project did not ship and that could run any code.
        overrides: ids of inference.json to change, such as `channels`; a text that begins with `$` is code, and runs.

    Raises:
        FileNotFoundError: there are no weights.
        ValueError: another ending, no bundle, its configs could run code and `trust` is not set, weights of another
            network, or the exported network computes something else.
    """
    kind, folder = Path(out).suffix, bundle_folder(bundle)
    if kind not in (".ts", ".onnx"):
        raise ValueError(f"{out} ends in {kind!r}; name the file *.ts for TorchScript or *.onnx for ONNX.")
    configs = folder / "configs"
    weights = Path(checkpoint or folder / "models" / "model.pt")
    files = {"ckpt_file": weights, "meta_file": configs / "metadata.json", "config_file": configs / "inference.json"}
    paths = {name: str(path) for name, path in files.items()}
    overrides = {"checkpoint": plain(str(weights)), **overrides}  # its settings are those that it was trained with
    network, channels, spacing = _network(configs, weights, overrides, trust=trust)
    sizes = [tuple(size)] if kind == ".onnx" else [tuple(size), tuple(n - n // 4 for n in size)]
    with replacing(out) as temporary:
        if kind == ".onnx":
            shape = [1, channels, *size]
            named = {"input_names": ["image"], "output_names": ["pred"]}
            onnx_export(
                "network_def", filepath=str(temporary), input_shape=shape, converter_kwargs=named, **paths, **overrides
            )
            _describe(temporary, configs, spacing)
        else:
            ckpt_export("network_def", filepath=str(temporary), **paths, **overrides)
        run = _open(temporary)
        difference = max(_difference(network, run, torch.randn(1, channels, *shape)) for shape in sizes)
        if not difference <= TOLERANCE:
            raise ValueError(
                f"the exported network differs from the bundle's by up to {difference:.3g}, and rounding explains "
                f"{TOLERANCE:g} at most: {out} was not written; try another version of torch, or of onnxruntime."
            )
    return difference


def _network(
    configs: Path, weights: Path, overrides: Mapping[str, Any], *, trust: bool
) -> tuple[torch.nn.Module, int, list[float]]:
    """Build the bundle's network with its weights; tell its input channels, and its spacing in mm if it has one."""
    metadata = read_metadata(configs / "metadata.json")
    check_metadata(configs / "metadata.json", metadata)
    parser = read_configs([configs / "inference.json"], trust=trust)
    parser.update(dict(overrides))
    try:
        network: torch.nn.Module = parser.get_parsed_content("network_def").eval()
        spacing = parser.get_parsed_content("spacing") if "spacing" in parser else []
        channels = int(metadata["network_data_format"]["inputs"]["image"]["num_channels"])
    except Exception as error:  # configs build anything, which can fail in any way
        raise ValueError(f"the bundle {configs.parent} cannot be used: {in_words(error)}") from error
    load_weights(network, str(weights))
    return network, channels, [float(length) for length in spacing]


def _describe(path: Path, configs: Path, spacing: Sequence[float]) -> None:
    """Write into an ONNX file what a program needs that has this file alone: names, channels, labels, preprocessing."""
    import onnx

    metadata = read_metadata(configs / "metadata.json")
    inference = json.loads((configs / "inference.json").read_text(encoding="utf-8"))
    formats = metadata["network_data_format"]
    known = {
        "name": metadata["name"],
        "version": metadata["version"],
        "intended_use": metadata["intended_use"],
        "channels": formats["inputs"]["image"]["channel_def"],
        "labels": formats["outputs"]["pred"]["channel_def"],
        "spacing": list(spacing),
        "preprocessing": inference["preprocessing"],
        "postprocessing": inference["postprocessing"],
    }
    if not spacing:
        del known["spacing"]
    model = onnx.load(str(path))
    for key, value in known.items():
        text = value if isinstance(value, str) else json.dumps(value)
        model.metadata_props.add(key=key, value=text)
    onnx.save(model, str(path))


def _open(path: Path) -> Callable[[Tensor], Tensor]:
    """Read an exported network."""
    if path.suffix == ".ts":
        script: Callable[[Tensor], Tensor] = torch.jit.load(path)  # type: ignore[no-untyped-call]
        return script
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(f"{error}; pip install 'iunet-med[onnx]' brings what ONNX needs") from error
    session = onnxruntime.InferenceSession(str(path))
    name = session.get_inputs()[0].name
    return lambda x: torch.from_numpy(session.run(None, {name: x.numpy()})[0])


@torch.no_grad()
def _difference(network: torch.nn.Module, run: Callable[[Tensor], Tensor], image: Tensor) -> float:
    expected = network(image)  # first, as it says clearly what is wrong with the size
    return float((run(image) - expected).abs().max())
