"""A run stops at the step whose loss or weights are not finite, and writes nothing of it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events

from iunet_med.handlers import AverageWeights, BestModel, ProgressBar, StopUnlessFinite, WeightAverage

FINE = {"case": ["a", "a"], "loss": 1.0, "weight": 1.0}


def run(*batches: dict[str, Any], folder: Path, listed: bool = False) -> list[int]:
    """Do a step per batch, two to an epoch, with the loss and the weight that the batch says; list the epochs kept."""
    network, kept = torch.nn.Linear(1, 1), list[int]()

    def step(engine: Engine, batch: dict[str, Any]) -> Any:
        torch.nn.init.constant_(network.weight, batch["weight"])
        output = {"loss": torch.tensor(batch["loss"])}
        if listed:  # as MONAI's trainer does
            engine.state.batch = [{"case": name} for name in batch["case"]]
            return [output]
        return output

    trainer = Engine(step)
    trainer.state.best_metric_epoch = 0

    @trainer.on(Events.EPOCH_COMPLETED)
    def is_best(engine: Engine) -> None:
        engine.state.best_metric_epoch = engine.state.epoch
        kept.append(engine.state.epoch)

    BestModel(str(folder / "model.pt"), network).attach(trainer)
    AverageWeights(WeightAverage(network, decay=0.9)).attach(trainer)
    StopUnlessFinite(network).attach(trainer)
    ProgressBar("training").attach(trainer)
    trainer.run(batches, max_epochs=max(1, len(batches) // 2), epoch_length=min(2, len(batches)))
    return kept


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path, loss: float, listed: bool) -> None:
    batch = {**FINE, "case": ["b", "c", "b"], "loss": loss}
    with pytest.raises(FloatingPointError, match=r"step 1 \(epoch 1\) the loss is not finite; .*step: b, c\."):
        run(batch, FINE, folder=tmp_path, listed=listed)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_stops_the_run_and_leaves_the_model_before(tmp_path: Path, weight: float) -> None:
    with pytest.raises(FloatingPointError, match=r"step 4 \(epoch 2\) the weights are not finite; .* b\..*--resume"):
        run(FINE, FINE, FINE, {**FINE, "case": ["b"], "weight": weight}, folder=tmp_path)
    assert torch.load(tmp_path / "model.pt", weights_only=True)["weight"].item() == 1


def test_batches_without_names_are_told_so(tmp_path: Path) -> None:
    with pytest.raises(FloatingPointError, match="step: without a name"):
        run({"loss": float("nan"), "weight": 1.0}, folder=tmp_path)


def test_finite_steps_go_on_even_at_the_edge_of_float32(tmp_path: Path) -> None:
    assert run(*[{**FINE, "loss": 3e38, "weight": 3e38}] * 4, folder=tmp_path) == [1, 2]


def test_a_step_that_the_gradient_scaler_skips_is_none_of_these() -> None:
    network = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    before = network.weight.detach().clone()

    def step(_engine: Engine, _batch: Any) -> dict[str, Any]:
        optimizer.zero_grad()
        loss = 8 * network(torch.ones(1, 1)).sum()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return {"loss": loss}

    trainer = Engine(step)
    StopUnlessFinite(network).attach(trainer)
    trainer.run([FINE])
    assert scaler.get_scale() == 2.0**126, "the step was skipped"
    torch.testing.assert_close(network.weight, before, rtol=0, atol=0)
