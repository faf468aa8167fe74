"""Inference on many items: those that cannot be used say why, and the others go on."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from monailabel.interfaces.tasks.batch_infer import BatchInferTask

from iunet_med.monai_label.server.answers import sentence

logger = logging.getLogger(__name__)


class BatchTask(BatchInferTask):  # type: ignore[misc]
    """MONAI Label's batch inference, one item at a time, also where there is no GPU."""

    def __call__(self, request: Mapping[str, Any], datastore: Any, infer: Callable[..., dict[str, Any]]) -> Any:
        """Return for each item its result, or `error`, a sentence."""

        def one(request: Mapping[str, Any], datastore: Any) -> dict[str, Any]:
            try:
                return infer(request, datastore)
            except Exception as error:  # MONAI Label would leave out all items after this one
                logger.exception("%s is left out", request.get("image"))
                return {"error": sentence(error)}

        # MONAI Label's default asks for several GPUs, and divides by their number
        several = request.get("multi_gpu", True) and torch.cuda.is_available()
        return super().__call__({**request, "multi_gpu": several, "max_workers": 1}, datastore, one)
