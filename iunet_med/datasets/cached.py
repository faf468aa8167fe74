"""Data sets that keep as many prepared cases in main memory as it holds."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from monai.data import CacheDataset
from torch import Tensor
from torch.utils._pytree import tree_leaves

from iunet_med.datasets.listed import CheckItems
from iunet_med.volumes.memory import available_bytes

logger = logging.getLogger(__name__)
SHARE_OF_FREE_MEMORY = 0.5
"""Of what is free, for the training cases of all processes; loading and validation need the rest."""


def checked_dataset(
    data: Sequence[Mapping[str, Any]],
    transform: Callable[..., Any],
    *,
    check: CheckItems,
    cache_rate: float | Literal["auto"] = 0.0,
) -> CacheDataset:
    """Return a MONAI data set of items, after checking those that `list_cases` has not; errors as in `CheckItems`.

    Args:
        data: the items.
        transform: those steps of it that come before the first random one are done once for cached items.
        check: what checks them.
        cache_rate: share of the items to keep in main memory when they are prepared; "auto" keeps as many as half of
            the free memory holds, by the size of the first one.
    """
    items = check(data)
    rate = affordable_share(items, transform) if cache_rate == "auto" else cache_rate
    threads = min(os.cpu_count() or 1, 8)
    return CacheDataset(items, transform, cache_rate=rate, num_workers=threads, progress=False)


def affordable_share(items: Sequence[Mapping[str, Any]], transform: Callable[..., Any]) -> float:
    """Return the share of the items that can be kept prepared; several processes on a machine keep their own."""
    if not items:
        return 0.0
    first = CacheDataset(items[:1], transform, cache_rate=1.0, num_workers=None, progress=False)
    needed = sum(leaf.nbytes for leaf in tree_leaves(first._cache[0]) if isinstance(leaf, Tensor)) * len(items)
    budget = SHARE_OF_FREE_MEMORY * available_bytes() / int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    share = min(1.0, budget / needed) if needed else 1.0
    logger.info("%.0f %% of %d cases are kept in memory, %.1f GiB", 100 * share, len(items), share * needed / 2**30)
    return share
