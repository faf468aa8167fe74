"""A device that is not there is told before anything is loaded."""

from pathlib import Path

import pytest
import torch

from iunet_med.inference.bundle import open_bundle
from iunet_med.inference.devices import check_device


@pytest.mark.parametrize("name", ["gpu", "cuda", "cuda:7", "cpu:0", "", "@run", "cpu\n", "$print(1)", "cuda:-1", "CPU"])
def test_without_a_gpu(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    text = r"There is no device .*: this computer has cpu; torch finds no CUDA GPU; choose cpu, cuda, cuda:N .* or mps"
    with pytest.raises(ValueError, match=text):
        open_bundle(tmp_path / "absent", device=name)


def test_with_two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name in ("cpu", "cuda", "cuda:0", "cuda:1"):
        assert check_device(name) == name
    with pytest.raises(ValueError, match="There is no device 'cuda:2': this computer has cpu, cuda:0, cuda:1"):
        check_device("cuda:2")
