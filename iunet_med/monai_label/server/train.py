"""Training on the labels that are tagged final: checked first, validated on other patients, from good weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monailabel.tasks.train.bundle import BundleTrainTask

from iunet_med.datasets import split_cases
from iunet_med.datasets.layouts import Case
from iunet_med.inference.configs import plain
from iunet_med.monai_label.server.infer import CaseOf, read_bundle
from iunet_med.trained_with import trained_with


class TrainTask(BundleTrainTask):  # type: ignore[misc]
    """MONAI Label's task for a bundle, on checked cases.

    Args:
        bundle: the bundle's folder.
        conf: what `--conf` of the server says.
        dataset_dir: the folder that the layout is found for.
        case_of: finds the files of an item's case.
    """

    def __init__(self, bundle: str, conf: Mapping[str, str], *, dataset_dir: str, case_of: CaseOf) -> None:
        super().__init__(bundle, conf, load_strict=True)
        self.dataset_dir = dataset_dir
        self.case_of = case_of

    def _fetch_datalist(self, request: Mapping[str, Any], datastore: Any) -> list[Case]:
        items = super()._fetch_datalist(request, datastore)
        if not items:
            raise ValueError("There is no label tagged final to train on; submit one in the viewer first.")
        check = read_bundle(self.bundle_path, "train", dataset_dir=self.dataset_dir).get_parsed_content("check_items")
        return list(check.check([{**item, **self.case_of(item["image"])} for item in items]))

    def _partition_datalist(
        self, datalist: Sequence[Case], request: Mapping[str, Any], shuffle: bool = False
    ) -> tuple[list[Case], list[Case]]:
        """Split by patients, at least one to validate on; a single patient is trained on alone."""
        share = float(request.get("val_split", 0.2))
        if share == 0 or len({case["patient"] for case in datalist}) < 2:
            return list(datalist), []
        return split_cases(datalist, validation=share if 0 < share < 1 else 0.2)

    def _load_checkpoint(self, model_pytorch: str, pretrained: bool, train_handlers: list[Any]) -> None:
        if pretrained:  # MONAI Label's own way asks whether the file None exists
            super()._load_checkpoint(model_pytorch, pretrained, train_handlers)

    def _update_overrides(self, overrides: dict[str, Any]) -> dict[str, Any]:
        overrides |= {"bundle_root": plain(self.bundle_path), "dataset_dir": plain(self.dataset_dir)}
        served = Path(self.bundle_path) / "models" / "model.pt"
        own = {name: trained_with(served, name, None) for name in ("spacing", "roi_size", "channels", "couplings")}
        return {**{name: value for name, value in own.items() if value is not None}, **overrides}
