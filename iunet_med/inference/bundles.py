"""Opens a bundle to run it on one's own cases: its configs checked, its parts built, its weights loaded."""

import hashlib
import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
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
from iunet_med.data import Layout
from iunet_med.handlers.checkpoints import load_weights
from iunet_med.inference.flips import FlipInferer
from iunet_med.transforms import RegionsToLabeld, own_values


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
        label_steps, probability_steps: logits -> labels or probabilities, voxel by voxel; `rule` and `probability` run
            them.
        finishing: what follows on the label map on the input's grid.
        device: of the network.
        amp: whether it runs in mixed precision.
        zero_background: whether it knows only images that are zero outside the body.
        weights_sha256, config_sha256: of the weights' file, and of the configs with what was set.
        values: the label value of each region.
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
    label_steps: Compose
    probability_steps: Compose
    finishing: Compose
    device: torch.device
    amp: bool
    zero_background: bool
    weights_sha256: str
    config_sha256: str
    values: Mapping[str, int]

    def predict(self, windows: Tensor) -> Tensor:
        """Windows (B, C, D, H, W) -> logits, averaged over the flips that the config asks for."""
        with torch.autocast(self.device.type, enabled=self.amp):
            if self.flips is None:
                output = self.network(windows)
            else:
                output = FlipInferer(SimpleInferer(), axes=self.flips)(windows, self.network)
        return output.float()  # type: ignore[no-any-return]

    def rule(self, logits: Tensor) -> Tensor:
        """Logits (K, D, H, W) -> labels (1, D, H, W)."""
        return torch.as_tensor(self.label_steps({"pred": logits})["pred"])

    def probability(self, logits: Tensor) -> Tensor:
        """Logits (K, D, H, W) -> probabilities."""
        return torch.as_tensor(self.probability_steps({"pred": logits})["pred"])


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
        folder: the bundle's folder.
        configs: configs laid over inference.json.
        settings: config ids and their values, set last.
        dataset_dir: the folder of cases that `layout` describes, if there is one.
        device: where to run, if not where the config says.
        trust: whether to run configs that this project did not ship.

    Raises:
        ValueError: it is no bundle, or its configs are not this project's and `trust` is not set.
        FileNotFoundError: the weights are missing.
    """
    root = Path(folder)
    files = [root / "configs" / "inference.json", *map(Path, configs)]
    if missing := [str(file) for file in (*files, root / "configs" / "metadata.json") if not file.is_file()]:
        raise ValueError(
            f"{', '.join(missing)} came, which does not exist; give the folder of a bundle, and its configs."
        )
    contents = [file.read_bytes() for file in files]
    if not trust:
        _check_own(files, contents)
    parser = _parser(files, contents, settings or {})
    digest = _digest(json.dumps(parser.config, sort_keys=True).encode())
    parser["bundle_root"], parser["dataset_dir"] = str(root), dataset_dir
    if device:
        parser["device"] = f"$torch.device({device!r})"
    metadata = json.loads((root / "configs" / "metadata.json").read_text(encoding="utf-8"))
    try:
        return _build(parser, metadata, digest)
    except (RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise ValueError(f"the bundle {root} cannot be used: {first_cause(error)}") from error


def first_cause(error: BaseException) -> BaseException:
    """The error that tells what is wrong: MONAI wraps each in a chain of RuntimeErrors of its own."""
    while not isinstance(error, ValueError | OSError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def own_configs() -> dict[str, str]:
    """SHA-256 -> path of the configs that this version of the project ships, from `own_configs.txt`."""
    listed = resources.files("iunet_med.inference").joinpath("own_configs.txt").read_text(encoding="utf-8")
    return {line.split()[0]: line.split()[1] for line in listed.splitlines() if line}


def _check_own(files: Sequence[Path], contents: Sequence[bytes]) -> None:
    own = own_configs()
    if foreign := [str(file) for file, content in zip(files, contents, strict=True) if _digest(content) not in own]:
        raise ValueError(
            f"{', '.join(foreign)} is not a config of this version of iunet-med, and configs can run any code; needed: "
            "one as shipped, with changes by --set; read it, and pass --trust if you trust who wrote it."
        )


def _parser(files: Sequence[Path], contents: Sequence[bytes], settings: Mapping[str, Any]) -> ConfigParser:
    """Parse what was checked: the files are not read a second time."""
    merged: dict[str, Any] = {}
    for file, content in zip(files, contents, strict=True):
        try:
            merged.update(json.loads(content))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{file} is not a JSON object ({error}); correct it.") from error
    parser = ConfigParser(merged)
    for name, value in settings.items():
        try:
            parser[name] = value
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise ValueError(f"--set {name} came, and the config has no such id ({error}); see its ids.") from error
    return parser


def _build(parser: ConfigParser, metadata: Mapping[str, Any], digest: str) -> Bundle:
    layout: Layout = parser.get_parsed_content("layout")
    device = torch.device(parser.get_parsed_content("device"))
    network: nn.Module = parser.get_parsed_content("network")
    checkpoint = Path(parser.get_parsed_content("checkpoint"))
    load_weights(network, str(checkpoint), device=device)
    inferer = parser.get_parsed_content("inferer")
    axes = (
        tuple(sorted({axis - 2 for dims in inferer.flips for axis in dims})) if isinstance(inferer, FlipInferer) else ()
    )
    before = [t for t in parser.get_parsed_content("preprocessing").transforms if not isinstance(t, LoadImaged)]
    after = [
        t for t in parser.get_parsed_content("postprocessing").transforms if not isinstance(t, Invertd | SaveImaged)
    ]
    cut = _label_step(after)
    image = metadata.get("network_data_format", {}).get("inputs", {}).get("image", {})
    return Bundle(
        name=str(metadata.get("name", "")),
        version=str(metadata.get("version", "")),
        modality=image["modality"] if image.get("modality") in ("CT", "MR") else None,
        notice=f"{metadata.get('intended_use', 'Research only; not for diagnosis')}. {metadata.get('name', '')}.",
        layout=layout,
        preprocessing=Compose(before),
        network=network.eval(),
        inferer=inferer.inferer if isinstance(inferer, FlipInferer) else inferer,
        flips=axes or None,
        label_steps=Compose(after[: cut + 1]),
        probability_steps=Compose(after[:cut]),
        finishing=Compose(after[cut + 1 :]),
        device=device,
        amp=bool(parser.get_parsed_content("amp")),
        zero_background=any(isinstance(t, NormalizeIntensityd) and t.normalizer.nonzero for t in before),
        weights_sha256=file_digest(checkpoint),
        config_sha256=digest,
        values=own_values(layout.regions),
    )


def _label_step(steps: Sequence[MapTransform]) -> int:
    """The place of the step that turns probabilities into labels."""
    for place, step in enumerate(steps):
        if isinstance(step, RegionsToLabeld | AsDiscreted):
            return place
    raise ValueError("the bundle's postprocessing makes no labels; needed: RegionsToLabeld or AsDiscreted in it.")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
