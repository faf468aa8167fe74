"""The state of the random generators that a layer on a device draws from, kept so that its draw can be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import string_at

import torch
from torch import Tensor


class RandomState:
    """The state of the CPU's generator and, for a tensor on a GPU, of that device's."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.states = self._read()

    def __eq__(self, other: object) -> bool:
        """Return True if nothing was drawn between the two."""
        return isinstance(other, RandomState) and self._bytes() == other._bytes()

    def _bytes(self) -> list[bytes]:
        # Not by an operation of torch, which a mode for tensors without data would not compute.
        return [string_at(state.data_ptr(), state.nbytes) for state in self.states]

    __hash__ = None  # type: ignore[assignment]

    @contextmanager
    def replayed(self) -> Iterator[None]:
        """Draw the same numbers again inside the context; the generators go on as if nothing had been drawn."""
        now = self._read()
        self._write(self.states)
        try:
            yield
        finally:
            self._write(now)

    def _read(self) -> list[Tensor]:
        states = [torch.get_rng_state()]
        if self.device.type == "cuda":
            states.append(torch.cuda.get_rng_state(self.device))
        return states

    def _write(self, states: list[Tensor]) -> None:
        torch.set_rng_state(states[0])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(states[1], self.device)
