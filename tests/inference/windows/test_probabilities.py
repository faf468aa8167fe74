"""Probabilities come back in one piece on the input's grid, and their errors only where they are asked for."""

import numpy as np
import pytest
import torch
from torch import Tensor

from iunet_med.inference.windows.probabilities import Probabilities


def test_slabs_are_joined_and_moved_to_the_grid() -> None:
    values = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    kept = Probabilities(axis=2)
    for slab in values.split(2, 3):
        kept.add(slab)
    same = kept.on_grid(np.eye(4), shape=(3, 4, 5), to=np.eye(4))
    np.testing.assert_allclose(same, values.numpy(), atol=1e-6)
    moved = np.eye(4)
    moved[0, 3] = 1
    shifted = kept.on_grid(np.eye(4), shape=(3, 4, 5), to=moved)
    np.testing.assert_allclose(shifted[:, :2], same[:, 1:], atol=1e-6)
    assert not shifted[:, 2].any()


def test_a_full_memory_is_told_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_slab: Tensor) -> Tensor:
        raise MemoryError("no room")

    kept = Probabilities(axis=0)
    kept.add(torch.zeros(1, 2, 2, 2))
    assert kept.is_complete
    monkeypatch.setattr(Tensor, "cpu", full)
    kept.add(torch.zeros(1, 2, 2, 2))
    assert not kept.is_complete
    with pytest.raises(MemoryError, match="no room"):
        kept.on_grid(np.eye(4), shape=(2, 2, 2), to=np.eye(4))
