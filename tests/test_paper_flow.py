"""The configs that train a density: CIFAR-10 is read from binary files alone; slices of brains stand in for it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from iunet_med.datasets import read_cifar10
from iunet_med.datasets.simulation import brain_slices

CONFIGS = Path(__file__).parents[1] / "configs"
TINY = {"device": "cpu", "levels": 2, "couplings": 1, "coupling_depth": 1, "batch_size": 4, "max_epochs": 2}


def write_batches(folder: Path, *, each: int = 4) -> np.ndarray:
    rng = np.random.default_rng(0)
    records = rng.integers(0, 256, (6, each, 3073), dtype=np.uint8)
    names = [*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"]
    for name, batch in zip(names, records, strict=True):
        batch.tofile(folder / name)
    return records


def test_cifar10_is_read_in_order_without_its_classes(tmp_path: Path) -> None:
    records = write_batches(tmp_path)
    train, test = read_cifar10(tmp_path), read_cifar10(str(tmp_path), "test")
    assert train.shape == (20, 3, 32, 32)
    assert train.dtype == torch.uint8
    assert int(train[4, 2, 31, 30]) == records[1, 0, 1 + 2 * 1024 + 31 * 32 + 30]
    torch.testing.assert_close(test.numpy().reshape(4, -1), records[5, :, 1:])


def test_what_is_not_the_binary_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"data_batch_1.bin, .*data_batch_5.bin is missing. Get cifar-10-binary"
    ):
        read_cifar10(tmp_path)
    (tmp_path / "data_batch_1").write_bytes(b"a pickle")
    with pytest.raises(FileNotFoundError, match="the version for Python"):
        read_cifar10(tmp_path)
    write_batches(tmp_path)
    (tmp_path / "test_batch.bin").write_bytes(bytes(3000))
    with pytest.raises(ValueError, match="3000 bytes are no whole number of images"):
        read_cifar10(tmp_path, "test")


@pytest.mark.parametrize("learned_noise", [False, True])
def test_the_config_trains_on_cifar10_and_keeps_the_best_weights(tmp_path: Path, *, learned_noise: bool) -> None:
    write_batches(tmp_path)
    parser = ConfigParser()
    parser.read_config(CONFIGS / "paper_flow_cifar10.json")
    options = {"dataset_dir": str(tmp_path), "output_dir": str(tmp_path / "run"), "learned_noise": learned_noise}
    parser.update({**TINY, **options, "val_interval": 1})
    trainer, evaluator = parser.get_parsed_content("train::trainer"), parser.get_parsed_content("validate::evaluator")
    trainer.run()
    assert evaluator.state.best_metric_epoch in (1, 2)
    assert 7 < evaluator.state.best_metric < 12  # noise costs 8 bits
    best = torch.load(tmp_path / "run" / "models" / "model.pt", weights_only=True)
    assert any(name.startswith("dequantisation") for name in best) == learned_noise


def test_slices_of_brains_take_the_place_of_natural_images() -> None:
    parser = ConfigParser()
    parser.read_config([CONFIGS / "paper_flow_cifar10.json", CONFIGS / "paper_flow_brain_slices.json"])
    parser["images"] = parser["images"].replace("300", "2")
    images = parser.get_parsed_content("images")
    assert images.shape == (12, 1, 32, 32)
    assert parser.get_parsed_content("shape") == (1, 32, 32)
    assert int(images.max()) == parser.get_parsed_content("grey_values") - 1
    torch.testing.assert_close(images[:6], brain_slices([0]))
    brain = (images > 0).float().mean((0, 1))
    assert brain[12:20, 12:20].min() > 0.9
    assert brain[0].max() == brain[-1].max() == 0
