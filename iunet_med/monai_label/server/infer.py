"""Inference by a bundle, on a patient's files, in the label values of the study."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from monai.bundle import ConfigParser
from monai.transforms import Invertd, SaveImaged
from monailabel.tasks.infer.bundle import BundleInferTask
from torch import nn

from iunet_med.handlers.checkpoints import load_weights
from iunet_med.inference.bundle import place_of_label_step
from iunet_med.inference.configs import layout_of, read_metadata, set_plain
from iunet_med.monai_label.label_names import label_names

CaseOf = Callable[[str], Mapping[str, Any]]
"""The path of an item's image -> the keys of its case; none where the image is to be taken as it is."""


class InferTask(BundleInferTask):  # type: ignore[misc]
    """MONAI Label's task for a bundle, with the cases and the label values of the app's studies.

    Args:
        bundle: the bundle's folder.
        conf: what `--conf` of the server says.
        dataset_dir: the folder that the layout is found for.
        case_of: finds the files of an item's case.
        options: of MONAI Label's task.
    """

    def __init__(
        self, bundle: str, conf: Mapping[str, str], *, dataset_dir: str, case_of: CaseOf, **options: Any
    ) -> None:
        self.dataset_dir = dataset_dir
        self.case_of = case_of
        super().__init__(bundle, conf, **options)
        self.labels = study_labels(bundle, dataset_dir=dataset_dir)

    def run_pre_transforms(self, data: dict[str, Any], transforms: Sequence[Callable[..., Any]]) -> Any:
        """Load all files of the case in place of the item's one."""
        image = data.get("image")
        case = self.case_of(image) if isinstance(image, str) else {}
        return super().run_pre_transforms({**data, **case}, transforms)

    def _load_bundle_config(self, path: str, config: str) -> ConfigParser:
        return read_bundle(path, Path(config).stem, dataset_dir=self.dataset_dir)

    def _get_network(self, device: str, data: Mapping[str, Any] | None) -> nn.Module:
        """Return the network with the weights that are asked for; MONAI Label's own way takes any that half fit."""
        path = self._weights(data or {})
        changed = path.stat().st_mtime_ns if path.is_file() else 0
        key, kept = self._networks.get(device, (None, None))
        if key == (path, changed):
            return cast(nn.Module, kept)
        network: nn.Module = copy.deepcopy(self.network).to(torch.device(device))
        load_weights(network, str(path), device=device)
        self._networks[device] = ((path, changed), network.train(self.train_mode))
        return network

    def _weights(self, data: Mapping[str, Any]) -> Path:
        asked = data.get("model_filename") or Path(self.path[0]).name
        name = asked if isinstance(asked, str) else asked[0]
        path = Path(self.path[0]).with_name(Path(name).name)
        if Path(name).name != name or not path.is_file():
            there = ", ".join(sorted(other.name for other in path.parent.glob("*.pt")))
            raise ValueError(f"model_filename {name!r}: expected one of {there}.")
        return path


class ProbabilityTask(InferTask):
    """Inference with dropout that ends with probabilities, for scores; its arguments are those of `InferTask`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, train_mode=True, skip_writer=True, add_post_restore=False, **options)

    def post_transforms(self, data: Any = None) -> Sequence[Callable[..., Any]]:
        """Return the steps from logits to probabilities, on the network's grid."""
        steps = super().post_transforms(data)
        steps = [step for step in steps if not isinstance(step, Invertd | SaveImaged)]
        return steps[: place_of_label_step(steps)]


def study_labels(bundle: str, *, dataset_dir: str) -> dict[str, int]:
    """Return the label values of a study by their names."""
    return label_names(
        read_metadata(Path(bundle, "configs", "metadata.json")),
        layout_of(read_bundle(bundle, "inference", dataset_dir="")).regions,
        layout_of(read_bundle(bundle, "inference", dataset_dir=dataset_dir)).regions,
    )


def read_bundle(bundle: str, config: str, *, dataset_dir: str) -> ConfigParser:
    """Read one of a bundle's configs, with its folder and that of the studies."""
    parser = ConfigParser(json.loads(Path(bundle, "configs", f"{config}.json").read_text(encoding="utf-8")))
    set_plain(parser, {"bundle_root": bundle, "dataset_dir": dataset_dir})
    return parser
