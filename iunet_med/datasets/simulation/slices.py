"""Small axial slices of simulated brains as whole numbers, to train a density on."""

from collections.abc import Iterable

import numpy as np
import torch
from monai.transforms import SpatialPad
from torch import Tensor
from torch.nn.functional import interpolate

from iunet_med.datasets.simulation.case import simulate_case

SPACING_MM = 4.0


def brain_slices(
    seeds: Iterable[int], *, modality: str = "t2", size: int = 32, levels: int = 64, slices: int = 6
) -> Tensor:
    """Return slices of the middle third of each brain, (N, 1, size, size) uint8, evenly spaced.

    Args:
        seeds: one per brain.
        modality: t1, t1c, t2 or flair.
        size: pixels along each edge; the whole head is in it.
        levels: how many grey values, at most 256; the brightest is the volume's 99.9th percentile.
        slices: of each brain.
    """
    pages = []
    for seed in seeds:
        volume = simulate_case(seed, spacing_mm=SPACING_MM).images[modality].astype(np.float32)
        depth = volume.shape[2]
        chosen = np.linspace(depth / 3, 2 * depth / 3, slices).round().astype(int)
        edge = max(volume.shape[:2])
        square = SpatialPad((edge, edge))(torch.from_numpy(volume[:, :, chosen]).permute(2, 0, 1)).as_tensor()
        small = interpolate(square[:, None], (size, size), mode="area") / float(np.percentile(volume, 99.9))
        pages.append((small.clamp(0, 1) * (levels - 1)).round().to(torch.uint8))
    return torch.cat(pages)
