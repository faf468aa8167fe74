"""The best network is kept, and a run that goes on is the run that was never interrupted."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events

from iunet_med.handlers import AverageWeights, BestModel, LastModel, LoadModel, TrainingState, WeightAverage
from iunet_med.handlers.checkpoints import _step_on, load_weights


class Run:
    """Fits one weight to 3 by AdamW under a one-cycle rate; four steps per epoch."""

    def __init__(
        self,
        path: Path,
        *,
        epochs: int,
        resume: bool = False,
        ema_decay: float = 0.9,
        steps: int = 4,
        rate: float = 0.1,
        decay: float = 0.01,
        by_epochs: bool = False,
        optimizers: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW,
    ) -> None:
        self.steps = steps
        self.network = torch.nn.Linear(1, 1, bias=False, dtype=torch.float64)
        torch.nn.init.zeros_(self.network.weight)
        self.optimizer = optimizer = optimizers(self.network.parameters(), lr=rate, weight_decay=decay)
        self.schedule = schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=rate, total_steps=epochs if by_epochs else steps * epochs, cycle_momentum=False
        )
        self.rates: list[float] = []
        self.evaluator = Engine(lambda _engine, _batch: None)
        self.evaluator.state.best_metric, self.evaluator.state.best_metric_epoch = -1.0, -1

        def step(_engine: Engine, _batch: Any) -> None:
            self.rates.append(optimizer.param_groups[0]["lr"])
            optimizer.zero_grad()
            ((self.network.weight - 3) ** 2).sum().backward()
            optimizer.step()
            if not by_epochs:
                schedule.step()

        self.trainer = Engine(step)
        if by_epochs:
            self.trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: schedule.step())
        self.average = WeightAverage(self.network, decay=ema_decay)
        AverageWeights(self.average).attach(self.trainer)
        self.trainer.state.max_epochs, self.trainer.state.epoch_length = epochs, steps
        self.state = TrainingState(
            str(path / "state.pt"),
            self.network,
            optimizer=optimizer,
            lr_scheduler=schedule,
            evaluator=self.evaluator,
            average=self.average,
            resume=resume,
        )
        self.state.attach(self.trainer)

    def go(self, *, stop_after: int | None = None) -> None:
        def stop(engine: Engine) -> None:
            if engine.state.epoch == stop_after:
                engine.terminate()

        self.trainer.add_event_handler(Events.EPOCH_COMPLETED, stop)
        self.trainer.run(range(self.steps), max_epochs=self.trainer.state.max_epochs)


def test_an_interrupted_run_goes_on_as_if_it_were_not(tmp_path: Path) -> None:
    whole, first, second = Run(tmp_path / "a", epochs=5), Run(tmp_path, epochs=5), Run(tmp_path, epochs=5, resume=True)
    whole.go()
    first.evaluator.state.best_metric, first.evaluator.state.best_metric_epoch = 0.7, 2
    first.go(stop_after=2)
    second.go()
    assert first.rates + second.rates == whole.rates
    torch.testing.assert_close(second.network.weight, whole.network.weight, rtol=0, atol=0)
    torch.testing.assert_close(second.average.state_dict(), whole.average.state_dict(), rtol=0, atol=0)
    assert not torch.equal(second.average.network.weight, second.network.weight)
    assert (second.evaluator.state.best_metric, second.evaluator.state.best_metric_epoch) == (0.7, 2)
    assert (second.trainer.state.epoch, second.trainer.state.iteration) == (5, 20)


def test_a_resumed_run_may_be_longer_than_planned(tmp_path: Path) -> None:
    Run(tmp_path, epochs=2).go()
    longer, planned = Run(tmp_path, epochs=4, resume=True), Run(tmp_path / "b", epochs=4)
    longer.go()
    planned.go()
    assert longer.rates == planned.rates[8:]


@pytest.mark.parametrize("steps", [1, 3, 7])
@pytest.mark.parametrize("epochs", [4, 6])
@pytest.mark.parametrize("by_epochs", [False, True])
def test_a_run_resumed_with_other_cases_or_batches_ends_with_its_schedule(
    tmp_path: Path, steps: int, epochs: int, by_epochs: bool
) -> None:
    Run(tmp_path, epochs=5, by_epochs=by_epochs).go(stop_after=2)
    other = Run(tmp_path, epochs=epochs, steps=steps, by_epochs=by_epochs, resume=True)
    planned = Run(tmp_path / "b", epochs=epochs, steps=steps, by_epochs=by_epochs)
    other.go()
    planned.go()
    assert other.rates == planned.rates[2 * steps :]
    assert other.schedule.last_epoch == (epochs if by_epochs else epochs * steps)
    assert other.trainer.state.iteration == epochs * steps


@pytest.mark.parametrize("scheduler", [torch.optim.lr_scheduler.MultiStepLR, torch.optim.lr_scheduler.OneCycleLR])
def test_any_schedule_is_taken_to_where_the_run_stands(scheduler: Any) -> None:
    options = (
        {"milestones": [2, 5], "gamma": 0.2} if "Multi" in scheduler.__name__ else {"max_lr": 0.1, "total_steps": 9}
    )
    optimizers = [torch.optim.Adam([torch.zeros(1)], lr=0.1) for _ in range(2)]
    stepped, taken = (scheduler(optimizer, **options) for optimizer in optimizers)
    for _ in range(6):
        optimizers[0].step()
        stepped.step()
    _step_on(taken, 6)
    assert taken.state_dict() == stepped.state_dict()
    assert optimizers[1].param_groups[0]["lr"] == optimizers[0].param_groups[0]["lr"]
    assert optimizers[1].param_groups[0]["betas"] == optimizers[0].param_groups[0]["betas"]


def test_settings_given_anew_are_taken_and_the_moments_kept(tmp_path: Path) -> None:
    first = Run(tmp_path, epochs=5)
    first.go(stop_after=2)
    second, planned = (
        Run(tmp_path / name, epochs=5, rate=0.02, decay=0.3, resume=resume)
        for name, resume in (("", True), ("b", False))
    )
    second.state.load(second.trainer)
    assert second.optimizer.param_groups[0]["weight_decay"] == 0.3
    assert second.optimizer.state_dict()["state"] == first.optimizer.state_dict()["state"]
    second.go()
    planned.go()
    assert second.rates == planned.rates[8:]
    assert max(second.rates) <= 0.02


def test_another_optimizer_is_refused(tmp_path: Path) -> None:
    Run(tmp_path, epochs=1).go()
    with pytest.raises(
        ValueError, match=r"state\.pt holds another .*: expected SGD .* found .* of its own: .*betas.*; keep the opt"
    ):
        Run(tmp_path, epochs=2, resume=True, optimizers=torch.optim.SGD).go()


def test_other_groups_of_parameters_are_refused(tmp_path: Path) -> None:
    Run(tmp_path, epochs=1).go()
    other = Run(tmp_path, epochs=2, resume=True)
    other.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))]})
    with pytest.raises(ValueError, match=r"expected AdamW with groups of \[1, 1\] parameters, found groups of \[1\]"):
        other.state.load(other.trainer)


def damage(path: Path, kind: str) -> None:
    whole = path.read_bytes()
    contents = {"empty": b"", "truncated": whole[: len(whole) // 2], "one byte": b"P", "text": b"hello, world\n"}
    if kind == "code":
        torch.save(Engine, path)
    else:
        path.write_bytes(contents[kind])


KINDS = ["empty", "truncated", "one byte", "text", "code"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_state_is_named_with_its_cure(tmp_path: Path, kind: str) -> None:
    Run(tmp_path, epochs=1).go()
    damage(tmp_path / "state.pt", kind)
    told = (
        r"state\.pt is damaged, or no checkpoint \(.+\); put a whole copy in its place, or start the run without --res"
    )
    with pytest.raises(ValueError, match=told):
        Run(tmp_path, epochs=2, resume=True).go()


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_model_is_named_with_its_cure(tmp_path: Path, kind: str) -> None:
    torch.save(torch.nn.Linear(9, 9).state_dict(), path := tmp_path / "model.pt")
    damage(path, kind)
    with pytest.raises(ValueError, match=r"model\.pt is damaged, .*, or train first, or pass --checkpoint FILE"):
        load_weights(torch.nn.Linear(9, 9), str(path))


def test_a_model_is_no_state_and_a_state_is_no_model(tmp_path: Path) -> None:
    Run(tmp_path, epochs=1).go()
    with pytest.raises(ValueError, match=r"state\.pt: expected a plain state dict, found a file with network, average"):
        load_weights(torch.nn.Linear(1, 1), str(tmp_path / "state.pt"))
    torch.save(torch.nn.Linear(1, 1).state_dict(), tmp_path / "state.pt")
    with pytest.raises(
        ValueError, match=r"expected the state of a training, found a file with weight, bias and no netw"
    ):
        Run(tmp_path, epochs=2, resume=True).go()


def test_a_run_as_long_as_its_state_is_refused(tmp_path: Path) -> None:
    Run(tmp_path, epochs=2).go()
    with pytest.raises(
        ValueError, match="has 2 epochs behind it and max_epochs is 2; to go on, pass a greater --max_epochs"
    ):
        Run(tmp_path, epochs=2, resume=True).go()


def test_a_run_without_an_average_goes_on_without_one_only(tmp_path: Path) -> None:
    Run(tmp_path, epochs=1, ema_decay=0).go()
    with pytest.raises(
        ValueError, match=r"no average of the weights, which ema_decay 0\.9 needs; .* --ema_decay 0, or"
    ):
        Run(tmp_path, epochs=2, resume=True).go()
    Run(tmp_path, epochs=2, ema_decay=0, resume=True).go()


def test_a_state_that_knew_no_average_is_refused_by_a_run_with_one(tmp_path: Path) -> None:
    Run(tmp_path, epochs=1).go()
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    del state["average"]
    torch.save(state, tmp_path / "state.pt")
    with pytest.raises(ValueError, match="holds no average of the weights"):
        Run(tmp_path, epochs=2, resume=True).go()
    Run(tmp_path, epochs=2, ema_decay=0, resume=True).go()


def test_resuming_from_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no checkpoint .*state\.pt; start the run without --resume"):
        Run(tmp_path, epochs=2, resume=True).go()


def test_best_model_is_a_plain_state_dict_of_the_best_validation(tmp_path: Path) -> None:
    network, path = torch.nn.Linear(1, 1), tmp_path / "models" / "model.pt"
    engine = Engine(lambda _engine, _batch: None)
    scores = {1: 0.5, 2: 0.3, 3: 0.6}

    def validate(engine: Engine) -> None:
        torch.nn.init.constant_(network.weight, engine.state.epoch)
        engine.state.best_metric_epoch = max(range(1, engine.state.epoch + 1), key=lambda epoch: scores[epoch])

    def check(engine: Engine) -> None:
        kept = torch.load(path, weights_only=True)
        assert sorted(kept) == ["bias", "weight"]
        assert kept["weight"].item() == {1: 1, 2: 1, 3: 3}[engine.state.epoch]

    engine.add_event_handler(Events.EPOCH_STARTED, validate)
    BestModel(str(path), network).attach(engine)
    engine.add_event_handler(Events.EPOCH_COMPLETED, check)
    engine.run([0], max_epochs=3)
    other = torch.nn.Linear(1, 1)
    LoadModel(str(path), other)(engine)
    torch.testing.assert_close(other.weight, network.weight)


def test_another_networks_weights_are_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 1).state_dict(), tmp_path / "model.pt")
    engine = Engine(lambda _engine, _batch: None)
    LoadModel(str(tmp_path / "model.pt"), torch.nn.Linear(1, 1)).attach(engine)
    with pytest.raises(
        ValueError, match=r"(?s)model\.pt holds another network's weights; give the channels.*size mismatch"
    ):
        engine.run([0])


def test_a_missing_model_is_refused_with_its_cure(tmp_path: Path) -> None:
    engine = Engine(lambda _engine, _batch: None)
    LoadModel(str(tmp_path / "model.pt"), torch.nn.Linear(1, 1)).attach(engine)
    with pytest.raises(FileNotFoundError, match=r"no checkpoint .*model\.pt; train first, or pass --checkpoint FILE"):
        engine.run([0])


def test_a_resumed_run_of_another_network_is_refused(tmp_path: Path) -> None:
    Run(tmp_path, epochs=1).go()
    other = Run(tmp_path, epochs=2, resume=True)
    other.state.network = torch.nn.Linear(2, 1)
    with pytest.raises(ValueError, match=r"(?s)state\.pt holds another network's weights; give the channels"):
        other.go()


WRITER = """
import io, os, sys, torch
from ignite.engine import Engine
from iunet_med.handlers import AverageWeights, BestModel

def save_half(state, path, real_save=torch.save):
    real_save(state, whole := io.BytesIO())
    with open(path, "wb", buffering=0) as file:
        file.write(whole.getvalue()[: len(whole.getvalue()) // 2])
        print("half", flush=True)
        sys.stdin.read()

torch.save = save_half
engine = Engine(lambda engine, batch: None)
engine.state.best_metric_epoch = engine.state.epoch
BestModel(sys.argv[1], torch.nn.Linear(100, 100), continues=True)(engine)
"""


@pytest.mark.slow
def test_a_checkpoint_outlives_a_process_killed_while_it_writes_the_next(tmp_path: Path) -> None:
    path, kept = tmp_path / "model.pt", torch.nn.Linear(100, 100)
    torch.save(kept.state_dict(), path)
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        writer.kill()
    assert writer.returncode == -signal.SIGKILL
    left = path.with_name(f".{writer.pid}-model.pt")
    assert 0 < left.stat().st_size < path.stat().st_size
    loaded, engine = torch.nn.Linear(100, 100), Engine(lambda _engine, _batch: None)
    LoadModel(str(path), loaded)(engine)
    torch.testing.assert_close(loaded.weight, kept.weight, rtol=0, atol=0)
    engine.state.best_metric_epoch = engine.state.epoch
    BestModel(str(path), loaded, continues=True)(engine)
    assert [file.name for file in tmp_path.iterdir()] == ["model.pt"]


def test_the_weights_of_another_run_are_kept_under_a_name_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    evaluator = Engine(lambda _engine, _batch: None)
    for run, kept in ((1.0, []), (2.0, [1.0]), (3.0, [1.0, 2.0])):
        network = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.constant_(network.weight, run)
        best = BestModel(str(path), network)
        best.write(evaluator)
        best.write(evaluator)
        found = [torch.load(file, weights_only=True)["weight"].item() for file in sorted(tmp_path.glob("model-*.pt"))]
        assert found == kept
        assert torch.load(path, weights_only=True)["weight"].item() == run
    BestModel(str(path), network, continues=True).write(evaluator)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(("best_epoch", "is_written"), [(-1, True), (2, False)])
def test_without_a_validation_the_last_weights_are_kept(tmp_path: Path, best_epoch: int, is_written: bool) -> None:
    run = Run(tmp_path, epochs=2)
    run.evaluator.state.best_metric_epoch = best_epoch
    best = BestModel(str(tmp_path / "model.pt"), run.average.network)
    LastModel(best, run.evaluator).attach(run.trainer)
    run.go()
    assert (tmp_path / "model.pt").exists() == is_written
