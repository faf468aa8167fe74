"""Entropies are those of the mean prediction, never negative, and greatest where nothing is known."""

import math

import torch

from iunet_med.monai_label.entropy import entropy


def test_regions_add_up_their_own_entropies() -> None:
    passes = torch.tensor([[[0.2, 0.0], [1.0, 0.5]], [[0.4, 0.0], [1.0, 0.5]]])  # two passes, two regions, two voxels
    alone = -(0.3 * math.log(0.3) + 0.7 * math.log(0.7))
    torch.testing.assert_close(entropy(passes), torch.tensor([alone, math.log(2)]))


def test_classes_share_one() -> None:
    uniform = torch.full((2, 4, 3), 0.25)
    torch.testing.assert_close(entropy(uniform), torch.full((3,), math.log(4)))
    certain = torch.eye(4)[None]
    torch.testing.assert_close(entropy(certain), torch.zeros(4))


def test_passes_that_disagree_leave_open_what_each_is_sure_of() -> None:
    passes = torch.tensor([[[1.0]], [[0.0]]])
    torch.testing.assert_close(entropy(passes), torch.tensor([math.log(2)]))
