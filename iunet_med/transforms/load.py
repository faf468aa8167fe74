"""Loads a case's modalities, whoever lists it: files, one file with channels, or one file for its whole case."""

import json
import logging
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import LoadImage, MapTransform

from iunet_med.checks.contrast import check_contrast
from iunet_med.datasets.layouts import Layout
from iunet_med.datasets.reader import ModalityReader
from iunet_med.datasets.siblings import LABEL_REGIONS, Study, find_study
from iunet_med.transforms.answered import answered
from iunet_med.transforms.modalities import in_order

logger = logging.getLogger(__name__)


class LoadModalitiesd(MapTransform):  # type: ignore[misc]
    """A path or paths -> image (C, X, Y, Z) with its metadata, channels in the order of the layout's modalities.

    Items of this package say by `modalities` what lies where. Of items that other programs make, such as MONAI Label, a
    path may be a file with all channels, whose order a dataset.json beside it names, or one modality's file, whose
    siblings are found by their names. What cannot be known is taken in the network's order, with a warning, unless the
    contrasts show that it is another one.

    Where the study's data set has other label values than the layout, the item gets its regions as `label_regions`, and
    `LabelToRegionsd` and `RegionsToLabeld` follow them.

    Args:
        keys: of the image.
        layout: modalities and regions.

    Raises:
        ValueError: a file is refused, a modality is missing, or the channels come in another order.

    >>> from iunet_med.datasets import dataset_layout
    >>> LoadModalitiesd("image", dataset_layout("brats23")).layout.modalities
    {'t1': '*-t1n.nii*', 't1c': '*-t1c.nii*', 't2': '*-t2w.nii*', 'flair': '*-t2f.nii*'}
    """

    def __init__(self, keys: KeysCollection, layout: Layout, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.layout = layout
        self._load = LoadImage(reader=ModalityReader(), image_only=True, ensure_channel_first=True)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load the images of `data`."""
        d = dict(data)
        named = d.pop("modalities", None)
        wanted = list(self.layout.modalities)
        for key in self.key_iterator(d):
            with answered():
                if named is not None:
                    d[key] = in_order(self._load(d[key]), named, wanted, name=str(d.get("case", key)))
                else:
                    self._load_study(d, key)
        return d

    def _load_study(self, d: dict[Hashable, Any], key: Hashable) -> None:
        wanted = list(self.layout.modalities)
        study = find_study(d[key], self.layout)
        image = self._load(study.paths if len(study.paths) > 1 else study.paths[0])
        if study.order == "assumed" and len(wanted) > 1:
            _doubt(image, study)
        d[key] = in_order(image, study.modalities, wanted, name=str(study.paths[0]))
        if study.regions is not None:
            d[LABEL_REGIONS] = json.dumps(study.regions)


def _doubt(image: Any, study: Study) -> None:
    """Refuse an order that the contrasts contradict, and warn of any other that nobody has named.

    Raises:
        ValueError: modalities seem swapped.
    """
    order, path = ", ".join(study.modalities), study.paths[0]
    for one in check_contrast(np.asarray(image), study.modalities):
        if one.check == "swapped":
            raise ValueError(
                f"{path}: expected channels in the order {order}, but {one.message.rstrip('.')}. Put them in this "
                "order, or a dataset.json that names them beside the file."
            )
    logger.warning("%s does not name its channels; they are taken as %s.", path, order)
