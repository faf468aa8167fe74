"""Memory of the bundle's training step for its networks and crops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.fit import needed
from benchmarks.tables import gib, markdown
from iunet_med import IUNet

REPOSITORY = Path(__file__).parents[1]
NETWORKS = {
    "default": "bundle/iunet_brats_mri/configs/train.json",
    "iunet16.json": "configs/iunet16.json",
    "iunet32.json": "configs/iunet32.json",
    "iunet64.json": "configs/iunet64.json",
}
CROPS = ((96, 96, 96), (128, 128, 128), (160, 192, 128), (192, 224, 192))


def rows(crops: tuple[tuple[int, ...], ...] = CROPS) -> Iterator[tuple[object, ...]]:
    """Yield a row of GiB per network."""
    for name, path in NETWORKS.items():
        config = json.loads((REPOSITORY / path).read_text(encoding="utf-8"))
        build = partial(IUNet, 3, 4, 3, config["channels"], couplings=config["couplings"])
        yield name, *(gib(needed(build, (1, 4, *crop))) for crop in crops)


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown; `quick` takes the smallest crop."""
    crops = CROPS[:1] if quick else CROPS
    return (
        "GiB of a training step, batch 1, float32, tensors and Adam's two moments; predicted on fake tensors, so that "
        "the driver and the convolutions' workspaces come on top.\n\n"
        + markdown(("network", *(" x ".join(map(str, crop)) for crop in crops)), rows(crops))
    )
