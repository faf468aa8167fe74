"""A training run of the bundle: repeated, interrupted, shared out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigParser

CONFIGS = Path(__file__).parents[1] / "bundle" / "iunet_brats_mri" / "configs"
TINY = {"channels": [4, 8], "roi_size": [16, 16, 16], "num_workers": 0, "device": "cpu", "amp": False}


def train(data: Path, folder: Path, *, stop_after: int | None = None, resume: bool = False) -> dict[str, torch.Tensor]:
    """Train for three epochs as the config says, at most up to `stop_after`, and return the last weights."""
    parser = ConfigParser()
    parser.read_config(CONFIGS / "train.json")
    places = {"dataset_dir": str(data), "ckpt_dir": str(folder), "output_dir": str(folder / "tensorboard")}
    parser.update({**TINY, **places, "max_epochs": 3, "val_interval": 1, "resume": resume})
    parser.get_parsed_content("initialize")
    trainer: Engine = parser.get_parsed_content("train::trainer")

    def stop(engine: Engine) -> None:
        if engine.state.epoch == stop_after:
            engine.terminate()

    trainer.add_event_handler(Events.EPOCH_COMPLETED, stop)
    trainer.run()
    state: dict[str, torch.Tensor] = torch.load(folder / "training_state.pt", weights_only=True)["network"]
    return state


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_weights_of_an_unbroken_one(brats_folder: Path, tmp_path: Path) -> None:
    whole = train(brats_folder, tmp_path / "whole")
    stopped = train(brats_folder, tmp_path / "broken", stop_after=1)
    assert not torch.equal(stopped["lift.weight"], whole["lift.weight"])
    resumed = train(brats_folder, tmp_path / "broken", resume=True)
    torch.testing.assert_close(resumed, whole, rtol=0, atol=0)


def torchrun(config: str, *arguments: str, processes: int) -> str:
    overlaid = f"['{CONFIGS / config}.json', '{CONFIGS / f'multi_gpu_{config}.json'}']"
    command = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", f"--nproc_per_node={processes}"]
    command += ["--standalone", "-m", "monai.bundle", "run", "--config_file", overlaid, *arguments]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_two_processes_train_and_evaluate(brats_folder: Path, tmp_path: Path) -> None:
    tiny = ["--channels", "[4, 8]", "--roi_size", "[16, 16, 16]", "--num_workers", "0", "--dataset_dir"]
    places = [str(brats_folder), "--ckpt_dir", str(tmp_path / "model"), "--output_dir"]
    training = ["--max_epochs", "2", "--val_interval", "1", "--validation_fraction", "0.5"]
    trained = torchrun("train", *tiny, *places, str(tmp_path / "tensorboard"), *training, processes=2)
    assert trained.count("Epoch[2] Metrics") == 1
    for processes in (1, 2):
        torchrun("evaluate", *tiny, *places, str(tmp_path / f"results_{processes}"), processes=processes)
    one, two = ((tmp_path / f"results_{processes}" / "metrics.csv").read_text() for processes in (1, 2))
    assert one == two
    assert len(one.splitlines()) == 1 + 5 * 3
