"""Memory and time of segmenting a whole CT with 24 classes: labels taken slab by slab, and MONAI's plain route.

The network is a stand-in, one convolution, so that the figures are those of stitching, labelling and resampling. Each
route runs in a process of its own, and reports its own peak of resident memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor
from monai.inferers import SlidingWindowInferer
from monai.transforms import AsDiscreted, Compose, Invertd, Orientationd, ScaleIntensityRanged
from scipy.ndimage import zoom
from torch import Tensor, nn

from benchmarks.tables import markdown, mib
from iunet_med.datasets.simulation.torso import simulate_ct
from iunet_med.inference.windows.slabs import slab_labels, window_slabs
from iunet_med.volumes.nearest import labels_on_grid

CLASSES = 24
LPS = np.diag([-0.8, -0.8, 1.0, 1.0])
FULL, SMALL, QUICK = (512, 512, 800), (256, 256, 300), (96, 96, 120)
BUNDLE, TORSO = "iunet_ct_organs", 30005
COMMAND = (sys.executable, "-m", "iunet_med", "segment")
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a command and prints the peak of its resident memory in KiB: only a child's own children are told apart."""
COLUMNS = ("route", "volume", "peak (MiB)", "seconds", "labels that differ")


class StandIn(nn.Module):
    """One convolution without learning: 24 random filters."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(1, CLASSES, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits."""
        logits: Tensor = self.convolution(image)
        return logits


def table(*, quick: bool = False) -> str:
    """Return the table in Markdown: both routes on a volume that both fit, ours on the full size."""
    small = QUICK if quick else SMALL
    with tempfile.TemporaryDirectory() as folder:
        runs = {route: _measure(route, small, Path(folder)) for route in ("slabs", "plain")}
        labels = [np.load(Path(folder) / f"{route}.npy") for route in runs]
        different = f"{(labels[0] != labels[1]).mean():.1e}"
        rows = [_row(route, small, run, different) for route, run in runs.items()]
        if not quick:
            rows.append(_row("slabs", FULL, _measure("slabs", FULL, Path(folder)), "-"))
        segmented = [_segmented(size, Path(folder)) for size in (None, small if quick else FULL)]
    return (
        f"A CT of int16 in LPS, {CLASSES} classes, windows of 128^3 that overlap by half, on the CPU; the network is a "
        "stand-in of one convolution. Labels that differ: the share of voxels, between both routes on one volume.\n\n"
        + markdown(COLUMNS, rows)
        + f"\n\n`iunet-med segment --bundle {BUNDLE}` (15 classes at 3 mm) as a command, on a simulated torso at 3 mm "
        "and on the same one on finer voxels: what the second takes longer is reading, resampling of image and labels, "
        "measuring and writing.\n\n" + markdown(("volume", "peak (MiB)", "seconds"), segmented)
    )


def _row(route: str, size: tuple[int, ...], run: dict[str, float], different: str) -> tuple[object, ...]:
    return route, " x ".join(map(str, size)), mib(run["peak"]), f"{run['seconds']:.0f}", different


def _measure(route: str, size: tuple[int, ...], folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.whole_ct", route, *map(str, size), str(folder / f"{route}.npy")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _segmented(size: tuple[int, int, int] | None, folder: Path) -> tuple[object, ...]:
    """Segment one simulated torso by the command, on its own voxels of 3 mm or on `size` finer ones."""
    torso = simulate_ct(TORSO, spacing_mm=3.0)
    image, affine = torso.image, torso.affine
    if size is not None:
        factors = np.divide(size, image.shape)
        image = zoom(image, factors, order=1, grid_mode=True, mode="nearest")
        affine = affine @ np.diag([*(1 / factors), 1.0])
    scan = folder / f"torso_{'x'.join(map(str, image.shape))}.nii.gz"
    nib.save(nib.Nifti1Image(image, affine), scan)
    start = time.perf_counter()
    command = [*COMMAND, str(scan), "--bundle", BUNDLE, "--output", str(folder / scan.stem), "--device", "cpu"]
    peak = subprocess.run([sys.executable, "-c", PEAK, *command], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    return " x ".join(map(str, image.shape)), mib(1024 * int(peak.stdout.split()[-1])), f"{seconds:.0f}"


def _run(route: str, size: tuple[int, ...], out: Path) -> None:
    """Segment a random CT from its array to its file, by one route, in this process."""
    torch.manual_seed(0)
    network = StandIn().eval()
    voxels = torch.randint(-1000, 1000, (1, *size), dtype=torch.int16).float()
    start = time.perf_counter()
    steps = [
        Orientationd("image", axcodes="RAS", labels=None),
        ScaleIntensityRanged("image", a_min=-1000, a_max=1000, b_min=-1, b_max=1, clip=True),
    ]
    preprocessing = Compose(steps)
    item = preprocessing({"image": MetaTensor(voxels, affine=torch.from_numpy(LPS))})
    del voxels
    window = SlidingWindowInferer((128, 128, 128), 1, 0.5, mode="gaussian")
    with torch.inference_mode():
        if route == "slabs":
            labels = _by_slabs(item["image"], network, window, size)
        else:
            labels = _plain(item, network, window, preprocessing)
    nib.save(nib.Nifti1Image(labels, LPS), out.with_suffix(".nii.gz"))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    np.save(out, labels)
    print(json.dumps({"peak": peak, "seconds": seconds}))


def _by_slabs(image: MetaTensor, network: nn.Module, window: SlidingWindowInferer, size: tuple[int, ...]) -> np.ndarray:
    slabs = window_slabs(image.as_tensor()[None], network, window=window)
    labels = slab_labels(slabs, tuple(image.shape[1:]), rule=lambda logits: logits.argmax(0, keepdim=True))
    return labels_on_grid(labels[0].numpy(), np.asarray(image.affine), shape=size, to=LPS)


def _plain(
    item: dict[str, MetaTensor], network: nn.Module, window: SlidingWindowInferer, preprocessing: Compose
) -> np.ndarray:
    item["pred"] = window(item["image"][None], network)[0]
    item = Invertd("pred", transform=preprocessing, orig_keys="image", nearest_interp=False)(item)
    return AsDiscreted("pred", argmax=True)(item)["pred"][0].numpy().astype(np.uint8)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("route", choices=("slabs", "plain"))
    parser.add_argument("size", type=int, nargs=3)
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args()
    _run(chosen.route, tuple(chosen.size), chosen.out)
