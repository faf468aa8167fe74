"""Learn an invertible downsampling of one image for the smallest 1-norm, from the Haar transform and from random.

The example of figure 4 in Etmann, Ke and Schönlieb 2020, https://arxiv.org/abs/2005.05220. Run
`python docs/examples/learned_downsampling.py --output picture.png`; it needs `pip install 'iunet-med[demo]'`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from math import isqrt
from pathlib import Path

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from nilearn.datasets import load_mni152_template
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from torch import Tensor

from iunet_med.files import replacing
from iunet_med.nn import OrthogonalDownsampling

STEPS = 800


def head_slice() -> Tensor:
    """Return an axial slice of the MNI152 T1 template that nilearn carries, (1, 1, 232, 192), scaled to 0 to 1."""
    volume = np.asarray(load_mni152_template(resolution=1).dataobj, np.float32)
    middle = volume[2:194, :232, volume.shape[2] // 2].T[::-1]
    return torch.from_numpy(np.ascontiguousarray(middle / middle.max()))[None, None]


def learn(image: Tensor, layer: OrthogonalDownsampling, *, steps: int) -> OrthogonalDownsampling:
    """Fit `layer` to `image`, (1, 1, H, W), by gradient descent on the 1-norm of its output; return it."""
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        layer(image).abs().mean().backward()
        optimizer.step()
        schedule.step()
    return layer.eval()


@torch.no_grad()
def coefficients(layer: OrthogonalDownsampling, image: Tensor) -> Tensor:
    """Return the channels, (n, H / stride, W / stride), the strongest first, each with a positive mean."""
    channels: Tensor = layer(image)[0]
    channels = channels * torch.where(channels.mean((1, 2), keepdim=True) < 0, -1.0, 1.0)
    return channels[channels.flatten(1).norm(dim=1).argsort(descending=True)]


def draw(image: Tensor, results: Mapping[str, Tensor]) -> Figure:
    """Draw the image and, beside it, the channels of each result as a square of small images.

    The strongest channel is grey; all others share one scale of colours, red above and blue below zero.
    """
    figure = Figure(figsize=(3.3 * (1 + len(results)), 3.6), layout="constrained")
    panels = figure.subplots(1, 1 + len(results))
    limit = max(float(channels[1:].abs().quantile(0.995)) for channels in results.values())
    panels[0].imshow(image[0, 0].numpy(), cmap="gray")
    panels[0].set_title("image", fontsize=9)
    for panel, (name, channels) in zip(panels[1:], results.items(), strict=True):
        tiles = colormaps["RdBu_r"](Normalize(-limit, limit)(channels.numpy()))
        tiles[0] = colormaps["gray"](Normalize()(channels[0].numpy()))
        side = isqrt(len(tiles))
        panel.imshow(np.block([[[tile] for tile in tiles[row * side : (row + 1) * side]] for row in range(side)]))
        panel.set_title(f"{name}: 1-norm {channels.abs().mean():.4f}", fontsize=9)
    for panel in panels:
        panel.axis("off")
    return figure


def tabulate(image: Tensor, layers: Mapping[str, OrthogonalDownsampling]) -> Table:
    """Return a table of the 1-norms, the first layer being what the others are compared with."""
    table = Table("coefficients", "1-norm per voxel", "change", "inverse error", box=MARKDOWN)
    table.add_row("image itself", f"{image.abs().mean():.4f}", "", "")
    first = None
    for name, layer in layers.items():
        norm = float(coefficients(layer, image).abs().mean())
        first = first or norm
        with torch.no_grad():
            error = float((layer.inverse(layer(image)) - image).abs().max())
        table.add_row(name, f"{norm:.4f}", f"{norm / first - 1:+.2%}", f"{error:.0e}")
    return table


def main() -> None:
    """Learn from both starts, print the 1-norms and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("learned_downsampling.png"), help="the picture")
    parser.add_argument("--stride", type=int, choices=(2, 4, 8), default=4, help="of both axes, default 4")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of gradient descent, default {STEPS}")
    chosen = parser.parse_args()
    torch.manual_seed(0)
    image = head_slice()
    start = partial(OrthogonalDownsampling, 1, (chosen.stride,) * 2, orthogonal="exp")
    layers = {
        "Haar": start(init="haar").eval(),
        "learned from Haar": learn(image, start(init="haar"), steps=chosen.steps),
        "learned from random": learn(image, start(init="random"), steps=chosen.steps),
    }
    Console().print(tabulate(image, layers))
    with replacing(chosen.output) as path:
        draw(image, {name: coefficients(layer, image) for name, layer in layers.items()}).savefig(path, dpi=100)


if __name__ == "__main__":
    main()
