"""The Dice that a network's own probabilities let expect of its labels, region by region."""

import torch
from torch import Tensor

LEAST = 0.05
"""Lower probabilities are left out: the sum of next to nothing over a whole head outweighs a small lesion."""


class ExpectedDice:
    """Collects, slab by slab, 2 sum p m / (sum p + sum m) of probabilities p and what is labelled, m = p > 1/2.

    If the probabilities are right and large regions are meant, it is about the mean of the Dice over the truths that
    they allow. It knows nothing of what the network mistakes without doubt.

    Source of the idea that a segmentation's own uncertainty tells its quality: Jungo, Balsiger, Reyes, Frontiers in
    Neuroscience 14 (2020) 282.

    >>> expected = ExpectedDice()
    >>> expected.add(torch.tensor([0.9, 0.8, 0.1, 0.0]).reshape(1, 1, 2, 2))
    >>> [round(one, 3) for one in expected.values()]
    [0.895]
    """

    def __init__(self) -> None:
        self._sums: Tensor | None = None

    def add(self, probabilities: Tensor) -> None:
        """Take a slab in, (K, D, H, W)."""
        labelled = probabilities > 0.5
        likely = probabilities * (probabilities > LEAST)
        parts = (likely * labelled, likely, labelled)
        sums = torch.stack([part.flatten(1).sum(1, dtype=torch.float64) for part in parts]).cpu()
        self._sums = sums if self._sums is None else self._sums + sums

    def values(self) -> list[float]:
        """The expected Dice of each channel; NaN where nothing is labelled."""
        if self._sums is None:
            return []
        both, likely, labelled = self._sums
        return torch.where(labelled > 0, 2 * both / (likely + labelled), torch.nan).tolist()
