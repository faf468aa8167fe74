"""A training run of the bundle: repeated, interrupted, shared out."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import monai
import pytest
import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigParser
from monai.fl.client import MonaiAlgo
from monai.fl.utils.constants import ExtraItems
from monai.fl.utils.exchange_object import ExchangeObject
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

CONFIGS = Path(__file__).parents[1] / "bundle" / "iunet_brats_mri" / "configs"
TINY = {"channels": [4, 8], "roi_size": [16, 16, 16], "num_workers": 0, "device": "cpu", "amp": False}


def train(data: Path, folder: Path, *, stop_after: int | None = None, **overrides: Any) -> dict[str, Any]:
    """Train for three epochs as the config says, at most up to `stop_after`, and return the last state."""
    parser = ConfigParser()
    parser.read_config(CONFIGS / "train.json")
    places = {"dataset_dir": str(data), "ckpt_dir": str(folder), "output_dir": str(folder / "tensorboard")}
    parser.update({**TINY, **places, "max_epochs": 3, "val_interval": 1, **overrides})
    parser.get_parsed_content("initialize")
    trainer: Engine = parser.get_parsed_content("train::trainer")

    def stop(engine: Engine) -> None:
        if engine.state.epoch == stop_after:
            engine.terminate()

    trainer.add_event_handler(Events.EPOCH_COMPLETED, stop)
    trainer.run()
    state: dict[str, Any] = torch.load(folder / "training" / "state.pt", weights_only=True)
    return state


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_weights_of_an_unbroken_one(brats_folder: Path, tmp_path: Path) -> None:
    whole = train(brats_folder, tmp_path / "whole")
    stopped = train(brats_folder, tmp_path / "broken", stop_after=1)
    assert not torch.equal(stopped["network"]["lift.weight"], whole["network"]["lift.weight"])
    resumed = train(brats_folder, tmp_path / "broken", resume=True)
    torch.testing.assert_close(resumed, whole, rtol=0, atol=0)
    best = [torch.load(tmp_path / name / "model.pt", weights_only=True) for name in ("whole", "broken")]
    torch.testing.assert_close(*best, rtol=0, atol=0)


@pytest.mark.slow
def test_the_average_is_what_is_kept_and_leaves_the_training_as_it_is(brats_folder: Path, tmp_path: Path) -> None:
    averaged = train(brats_folder, tmp_path / "averaged", max_epochs=1)
    plain = train(brats_folder, tmp_path / "plain", max_epochs=1, ema_decay=0)
    torch.testing.assert_close(averaged["network"], plain["network"], rtol=0, atol=0)
    kept = torch.load(tmp_path / "averaged" / "model.pt", weights_only=True)
    average = {f"module.{name}": tensor for name, tensor in kept.items()} | {"n_averaged": torch.tensor(3)}
    torch.testing.assert_close(averaged["average"], average, rtol=0, atol=0)
    assert not torch.equal(kept["lift.weight"], averaged["network"]["lift.weight"])
    kept = torch.load(tmp_path / "plain" / "model.pt", weights_only=True)
    torch.testing.assert_close(kept, plain["network"], rtol=0, atol=0)


@pytest.mark.slow
def test_a_run_that_diverges_stops_and_names_its_cases(brats_folder: Path, tmp_path: Path) -> None:
    scheduled = {"_target_": "torch.optim.lr_scheduler.ConstantLR", "optimizer": "@optimizer", "factor": 1.0}
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "monai.bundle",
        "run",
        "--config_file",
        str(CONFIGS / "train.json"),
    ]
    options = {**TINY, "dataset_dir": brats_folder, "ckpt_dir": tmp_path, "output_dir": tmp_path / "tensorboard"}
    options |= {"learning_rate": 1e30, "lr_scheduler": scheduled}
    command += [text for name, value in options.items() for text in (f"--{name}", str(value))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert re.search(r"FloatingPointError: After step \d \(epoch 1\) the \w+ (is|are) not finite; .*GLI", done.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["tensorboard"]


def test_the_loss_of_several_processes_is_that_of_the_joint_batch() -> None:
    parser = ConfigParser()
    parser.read_config([CONFIGS / "train.json", CONFIGS / "multi_gpu_train.json"])
    loss = parser.get_parsed_content("loss")
    logits, target = torch.randn(2, 3, 4, 4, 4).double(), torch.zeros(2, 3, 4, 4, 4).double()
    target[0, :, :1], target[1, :, :, :3] = 1, 1
    shares = [loss(logits[i : i + 1], target[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(torch.stack(shares).mean(), loss(logits, target))


def torchrun(config: str, *arguments: str, processes: int, overlays: Sequence[Path] = ()) -> str:
    names = ["inference"] * (config == "evaluate") + [config, f"multi_gpu_{config}"]
    files = [*(CONFIGS / f"{name}.json" for name in names), *overlays]
    command = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", f"--nproc_per_node={processes}"]
    command += ["--standalone", "-m", "monai.bundle", "run", "--config_file", str([*map(str, files)]), *arguments]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


ONE_STEP = {
    "channels": [4, 8],
    "roi_size": [24, 24, 24],
    "_desc_roi_size": "as large as a case, so that there is one crop",
    "augmentation": [],
    "num_workers": 0,
    "amp": False,
    "max_epochs": 1,
    "validation_fraction": 0.5,
    "network::module": "$@network_def.to(@device, torch.float64)",
    "train::trainer::to_kwargs": {"dtype": "$torch.float64"},
    "validate::evaluator::to_kwargs": {"dtype": "$torch.float64"},
    "optimizer": {"_target_": "torch.optim.SGD", "params": "$@network.parameters()", "lr": 1.0},
    "lr_scheduler": {"_target_": "torch.optim.lr_scheduler.ConstantLR", "optimizer": "@optimizer", "factor": 1.0},
}
"""A run of one step, of length 1 and in float64, on two whole cases: the change of the weights is the gradient."""


@pytest.mark.slow
def test_two_processes_take_the_gradient_of_the_joint_batch(brats_case: Callable[..., Path], tmp_path: Path) -> None:
    for seed in range(4):
        brats_case(tmp_path / "data", f"GLI-{seed}-000", seed=seed)
    overlay = tmp_path / "one_step.json"
    overlay.write_text(json.dumps({**ONE_STEP, "dataset_dir": str(tmp_path / "data"), "ckpt_dir": str(tmp_path)}))
    torchrun("train", "--output_dir", str(tmp_path / "tensorboard"), processes=2, overlays=[overlay])
    state = torch.load(tmp_path / "training" / "state.pt", weights_only=True)
    after = state["network"]
    average = {f"module.{name}": tensor for name, tensor in after.items()} | {"n_averaged": torch.tensor(1)}
    torch.testing.assert_close(state["average"], average, rtol=0, atol=0)

    parser = ConfigParser()
    parser.read_config([CONFIGS / "train.json", CONFIGS / "multi_gpu_train.json", overlay])
    parser.update({"device": "cpu", "train::dataloader::sampler": None, "batch_size": 2})
    monai.utils.set_determinism(seed=0)
    network, loss = parser.get_parsed_content("network_def").double(), parser.get_parsed_content("loss")
    (batch,) = parser.get_parsed_content("train::dataloader")
    loss(network(batch["image"].double()), batch["label"].double()).backward()
    taken = {name: before.detach() - after[name] for name, before in network.named_parameters()}
    joint = {name: parameter.grad for name, parameter in network.named_parameters()}
    torch.testing.assert_close(taken, joint, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_two_processes_train_and_evaluate(brats_folder: Path, tmp_path: Path) -> None:
    tiny = ["--channels", "[4, 8]", "--roi_size", "[16, 16, 16]", "--num_workers", "0", "--dataset_dir"]
    places = [str(brats_folder), "--ckpt_dir", str(tmp_path / "model"), "--output_dir"]
    training = ["--max_epochs", "2", "--val_interval", "1", "--validation_fraction", "0.5"]
    trained = torchrun("train", *tiny, *places, str(tmp_path / "tensorboard"), *training, processes=2)
    assert trained.count("Epoch[2] Metrics") == 1
    curves = [path.name.split(".") for path in (tmp_path / "tensorboard").iterdir()]
    assert len({parts[-2] for parts in curves}) == 1, "only the first process, by its id, writes"
    pictures = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Images("validation")
    assert [picture.step for picture in pictures] == [1, 2]
    for processes in (1, 2):
        torchrun("evaluate", *tiny, *places, str(tmp_path / f"results_{processes}"), processes=processes)
    one, two = ((tmp_path / f"results_{processes}" / "metrics.csv").read_text() for processes in (1, 2))
    assert one == two
    assert len(one.splitlines()) == 1 + 5 * 3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:executing the bundle:UserWarning", "ignore:parsing config_file:UserWarning")
def test_the_federated_client_does_one_round(brats_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(CONFIGS, tmp_path / "configs")
    options = {**TINY, "dataset_dir": str(brats_folder), "output_dir": str(tmp_path / "out")}
    kwargs = {"train_kwargs": options, "eval_kwargs": options}
    files = {"config_evaluate_filename": [f"configs/{name}.json" for name in ("train", "inference", "evaluate")]}
    client = MonaiAlgo(bundle_root=str(tmp_path), send_weight_diff=False, **files, **kwargs)
    client.initialize(extra={ExtraItems.CLIENT_NAME: "site"})
    sent = client.get_weights()
    before = {name: torch.as_tensor(value).clone() for name, value in sent.weights.items()}
    client.train(data=ExchangeObject(weights=sent.weights, weight_type=sent.weight_type), extra={})
    after = client.get_weights().weights
    client.finalize()
    assert sorted(after) == sorted(before)
    assert any(not torch.equal(torch.as_tensor(after[name]), before[name]) for name in before)
