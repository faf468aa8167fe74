"""How much several predictions leave open."""

import torch
from torch import Tensor


def entropy(probabilities: Tensor) -> Tensor:
    """Probabilities of several passes (N, C, *spatial) -> entropy of their mean (*spatial), in nats, not negative.

    Channels that add up to 1 everywhere are classes, of which one is true. Other channels are regions, each of which is
    there or not; their entropies are added up.

    Source: the predictive entropy of Gal and Ghahramani, ICML 2016, https://arxiv.org/abs/1506.02142.

    >>> entropy(torch.tensor([[[0.0]], [[1.0]]]))
    tensor([0.6931])
    """
    mean = probabilities.float().mean(dim=0).clamp(0, 1)
    each: Tensor = torch.special.entr(mean)
    are_classes = len(mean) > 1 and bool(((mean.sum(dim=0) - 1).abs() < 1e-3).all())
    if not are_classes:
        each = each + torch.special.entr(1 - mean)
    return each.sum(dim=0)
