"""A config's step is predicted as it is counted, with its loss, its optimiser and the average of its weights."""

from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser
from monai.losses import DiceCELoss
from torch import Tensor

from iunet_med import IUNet
from iunet_med.memory import count_step_memory
from iunet_med.planning.recipe import Recipe

NETWORK = {"_target_": "iunet_med.networks.IUNet", "spatial_dims": 3, "in_channels": 2, "out_channels": 3}
CONFIG: dict[str, Any] = {
    "channels": [4, 8],
    "batch_size": 2,
    "network_def": {**NETWORK, "channels": "@channels"},
    "loss": {"_target_": "DiceCELoss", "softmax": True, "to_onehot_y": True},
    "optimizer": {"_target_": "torch.optim.SGD", "params": "$@network.parameters()"},
    "average": {"_target_": "iunet_med.handlers.WeightAverage"},
}


def recipe(**changed: Any) -> Recipe:
    config = {key: value for key, value in (CONFIG | changed).items() if value is not None}
    return Recipe(ConfigParser(config), device_type="cpu", bf16=False)


def test_a_prediction_is_what_is_counted() -> None:
    function, shape = DiceCELoss(softmax=True, to_onehot_y=True), (2, 2, 16, 16, 16)

    def loss(logits: Tensor) -> Tensor:
        return function(logits, torch.zeros(2, 1, 16, 16, 16))

    for backprop in ("reversible", "stored"):
        network = IUNet(3, 2, 3, (4, 8), backprop=backprop)
        counted = count_step_memory(network, torch.randn(shape), loss=loss)
        parts = recipe().predict((16, 16, 16), backprop=backprop)
        wanted = counted.peak + counted.weights + counted.gradients  # the average, and one moment
        assert parts.total == pytest.approx(wanted, rel=0.01)
        assert parts.images == counted.image + 4 * 2 * 16**3
        assert (parts.weights, parts.optimiser) == (2 * counted.weights, counted.gradients)


def test_what_an_overlay_sets() -> None:
    made = recipe()
    assert (made.channels, made.levels, made.batch) == ([4, 8], 2, 2)
    assert (made.id_of("channels"), made.id_of("backprop")) == ("channels", "network_def::backprop")
    assert made.multiple() == (8, 8, 8)


def test_other_networks_only_store() -> None:
    made = recipe(network_def={"_target_": "SegResNet", "in_channels": 2, "out_channels": 3, "init_filters": 8})
    assert (made.channels, made.levels) == (None, 0)
    assert made.predict((16, 16, 16)).total > 0


def test_what_cannot_be_predicted_is_told() -> None:
    with pytest.raises(ValueError, match=r"no id `network_def` or `network`"):
        recipe(network_def=None)
    swin = {"_target_": "SwinUNETR", "in_channels": 2, "out_channels": 3, "feature_size": 12}
    with pytest.raises(ValueError, match=r"the sizes inside of SwinUNETR depend on its data .*plan another network"):
        recipe(network_def=swin).predict((64, 64, 64))
    with pytest.raises(ValueError, match=r"network_def cannot be built: .*channels"):
        recipe(channels=[3, 5]).predict((16, 16, 16))
    with pytest.raises(ValueError, match="has no in_channels"):
        recipe(network_def={"_target_": "torch.nn.Identity"}).predict((16, 16, 16))
