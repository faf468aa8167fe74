"""Opens a bundle to run it on one's own cases: its configs checked, its parts built, its weights loaded."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from monai.inferers import Inferer, SimpleInferer
from monai.transforms import (
    AsDiscreted,
    Compose,
    Invertd,
    LoadImaged,
    MapTransform,
    NormalizeIntensityd,
    SaveImaged,
)
from torch import Tensor, nn

from iunet_med.checks.file import Modality
from iunet_med.datasets import DatasetError, Layout
from iunet_med.datasets.problems import first_cause
from iunet_med.familiarity import Reference
from iunet_med.files import add_file
from iunet_med.handlers.checkpoints import load_weights
from iunet_med.inference.configs import image_modality, in_words, layout_of, read_configs, read_metadata, set_plain
from iunet_med.inference.devices import check_device
from iunet_med.inference.windows.flips import FlipInferer
from iunet_med.shipped import bundle_folder
from iunet_med.transforms import LoadModalitiesd, RegionsToLabeld, own_values


@dataclass(frozen=True)
class Bundle:
    """What segmenting a case needs.

    Args:
        name, version: of its metadata.
        modality: "CT" or "MR", or None where its metadata does not say.
        notice: what it is meant for.
        layout: modalities and regions.
        preprocessing: image (C, X, Y, Z) with its affine -> the network's input.
        network: the network with its weights; `predict` runs it.
        inferer: moves windows over an image.
        flips: axes of the test-time flips, done within each window; None for none.
        probability_steps, label_step: logits -> probabilities -> labels, voxel by voxel; `probability` and `label` run
            them.
        finishing: what follows on the label map on the input's grid.
        device: of the network.
        amp: whether it runs in mixed precision.
        zero_background: whether it knows only images that are zero outside the body.
        weights_sha256, config_sha256: of the weights' file, and of the configs with what was set.
        values: the label value of each region.
        channels: the names of the logits' channels.
        checkpoint: the weights' file.
        reference: features of the images that the weights were trained on, if they are known.
    """

    name: str
    version: str
    modality: Modality | None
    notice: str
    layout: Layout
    preprocessing: Compose
    network: nn.Module
    inferer: Inferer
    flips: tuple[int, ...] | None
    probability_steps: Compose
    label_step: MapTransform
    finishing: Compose
    device: torch.device
    amp: bool
    zero_background: bool
    weights_sha256: str
    config_sha256: str
    values: Mapping[str, int]
    channels: tuple[str, ...]
    checkpoint: Path
    reference: Reference | None = None

    def predict(self, windows: Tensor) -> Tensor:
        """Windows (B, C, D, H, W) -> logits, averaged over the flips that the config asks for."""
        with torch.autocast(self.device.type, enabled=self.amp):
            if self.flips is None:
                output = self.network(windows)
            else:
                output = FlipInferer(SimpleInferer(), axes=self.flips)(windows, self.network)
        return output.float()  # type: ignore[no-any-return]

    def probability(self, logits: Tensor) -> Tensor:
        """Logits (K, D, H, W) -> probabilities."""
        return torch.as_tensor(self.probability_steps({"pred": logits})["pred"])

    def label(self, probabilities: Tensor) -> Tensor:
        """Probabilities (K, D, H, W) -> labels (1, D, H, W)."""
        return torch.as_tensor(self.label_step({"pred": probabilities})["pred"])


def open_bundle(
    folder: str | Path,
    *,
    configs: Sequence[str | Path] = (),
    settings: Mapping[str, Any] | None = None,
    dataset_dir: str = "",
    device: str | None = None,
    trust: bool = False,
) -> Bundle:
    """Build a bundle's parts from configs/inference.json and load its weights.

    Args:
        folder: the bundle's folder, or the name of one that comes with the package.
        configs: configs laid over inference.json.
        settings: config ids and their values, set last; a text that begins with `$` is code, and runs.
        dataset_dir: the folder of cases that `layout` describes, if there is one.
        device: where to run, if not where the config says.
        trust: whether to run configs that this project did not ship and that could run any code.

    Raises:
        ValueError: it is no bundle, its configs could run code and `trust` is not set, or there is no such device.
        FileNotFoundError: the weights are missing.
    """
    where = {"device": check_device(device)} if device is not None else {}
    root = bundle_folder(folder)
    parser, metadata = _read(root, configs, settings or {}, trust=trust)
    digest = _digest(json.dumps(parser.config, sort_keys=True).encode())
    set_plain(parser, {"bundle_root": str(root), "dataset_dir": dataset_dir, **where})
    try:
        return _build(parser, metadata, digest)
    except Exception as error:  # configs build anything, which can fail in any way
        if isinstance(cause := first_cause(error), OSError | DatasetError):  # of the weights' file, of the cases
            raise cause from error
        raise ValueError(f"the bundle {root} cannot be used: {in_words(error)}") from error


def open_layout(
    folder: str | Path,
    *,
    configs: Sequence[str | Path] = (),
    settings: Mapping[str, Any] | None = None,
    dataset_dir: str = "",
    trust: bool = False,
) -> Layout:
    """Build a bundle's layout alone; the arguments and errors are those of `open_bundle`."""
    root = bundle_folder(folder)
    parser, _ = _read(root, configs, settings or {}, trust=trust)
    set_plain(parser, {"bundle_root": str(root), "dataset_dir": dataset_dir})
    return layout_of(parser)


def _read(
    root: Path, configs: Sequence[str | Path], settings: Mapping[str, Any], *, trust: bool
) -> tuple[ConfigParser, dict[str, Any]]:
    files = [root / "configs" / "inference.json", *map(Path, configs)]
    described = root / "configs" / "metadata.json"
    if missing := [str(file) for file in (*files, described) if not file.is_file()]:
        raise ValueError(f"There is no {', '.join(missing)}; give the folder of a bundle, and configs that exist.")
    metadata = read_metadata(described)
    if metadata.get("network_data_format", {}).get("outputs", {}).get("pred", {}).get("format") == "magnitude":
        raise ValueError(
            f"the bundle {root.name} restores images and has no labels to segment; expected one that segments. Run "
            f"python -m monai.bundle run --config_file {files[0]} --dataset_dir FOLDER --output_dir RESULTS"
        )
    parser = read_configs(files, trust=trust)
    _set(parser, settings)
    return parser, metadata


def _set(parser: ConfigParser, settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        try:
            parser[name] = value
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise ValueError(f"--set {name}: the config has no such id ({error}); see its ids.") from error


def _build(parser: ConfigParser, metadata: Mapping[str, Any], digest: str) -> Bundle:
    layout = layout_of(parser)
    device = torch.device(check_device(str(parser.get_parsed_content("device"))))
    network: nn.Module = parser.get_parsed_content("network")
    checkpoint = Path(parser.get_parsed_content("checkpoint"))
    load_weights(network, str(checkpoint), device=device)
    inferer = parser.get_parsed_content("inferer")
    axes = (
        tuple(sorted({axis - 2 for dims in inferer.flips for axis in dims})) if isinstance(inferer, FlipInferer) else ()
    )
    before = [
        t
        for t in parser.get_parsed_content("preprocessing").transforms
        if not isinstance(t, LoadImaged | LoadModalitiesd)
    ]
    after = [
        t for t in parser.get_parsed_content("postprocessing").transforms if not isinstance(t, Invertd | SaveImaged)
    ]
    cut = place_of_label_step(after)
    return Bundle(
        name=str(metadata.get("name", "")),
        version=str(metadata.get("version", "")),
        modality=image_modality(metadata),
        notice=f"{metadata.get('intended_use', 'Research only; not for diagnosis')}. {metadata.get('name', '')}.",
        layout=layout,
        preprocessing=Compose(before),
        network=network.eval(),
        inferer=inferer.inferer if isinstance(inferer, FlipInferer) else inferer,
        flips=axes or None,
        probability_steps=Compose(after[:cut]),
        label_step=after[cut],
        finishing=Compose(after[cut + 1 :]),
        device=device,
        amp=bool(parser.get_parsed_content("amp")),
        zero_background=any(isinstance(t, NormalizeIntensityd) and t.normalizer.nonzero for t in before),
        weights_sha256=file_digest(checkpoint),
        config_sha256=digest,
        values=own_values(layout.regions),
        channels=_channels(metadata, layout),
        checkpoint=checkpoint,
    )


def _channels(metadata: Mapping[str, Any], layout: Layout) -> tuple[str, ...]:
    """Return the regions, with a background before them where the network has one channel more."""
    count = metadata.get("network_data_format", {}).get("outputs", {}).get("pred", {}).get("num_channels")
    names = tuple(layout.regions)
    return ("background", *names) if count == len(names) + 1 else names


def place_of_label_step(steps: Sequence[MapTransform]) -> int:
    """The place of the step that turns probabilities into labels."""
    for place, step in enumerate(steps):
        if isinstance(step, RegionsToLabeld | AsDiscreted):
            return place
    raise ValueError("the bundle's postprocessing makes no labels; expected RegionsToLabeld or AsDiscreted in it.")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    add_file(digest, path)
    return digest.hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
