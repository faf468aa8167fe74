"""Epistemic scores: how much the predictions of a network with dropout leave open."""

import logging
from typing import Any

import numpy as np
import torch
from monailabel.tasks.scoring.epistemic_v2 import EpistemicScoring
from numpy.typing import NDArray

from iunet_med.monai_label.entropy import entropy
from iunet_med.monai_label.server.answers import sentence

logger = logging.getLogger(__name__)


class Scoring(EpistemicScoring):  # type: ignore[misc]
    """MONAI Label's scoring with the entropy of the mean probabilities; images that cannot be used get no score."""

    def __call__(self, request: dict[str, Any], datastore: Any) -> Any:
        """Score the unlabelled images, one at a time: a bundle's parts are not made for several threads."""
        return super().__call__({**request, "max_workers": 1}, datastore)

    def entropy_volume(self, vol_input: Any) -> NDArray[np.float32]:
        """Probabilities of several passes (N, C, *spatial) -> entropy (*spatial) in nats."""
        return entropy(torch.as_tensor(vol_input)).cpu().numpy()

    def run_scoring(self, image_id: str, simulation_size: int, model_ts: int, datastore: Any) -> None:
        """Score one image."""
        try:
            super().run_scoring(image_id, simulation_size, model_ts, datastore)
        except Exception as error:  # MONAI Label would leave out all images after this one
            logger.exception("%s gets no score", image_id)
            datastore.update_image_info(image_id, {"epistemic_error": sentence(error)})
