"""CT at a low dose: the restoration bundle trained on simulated torsos, then tried on a real one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.metrics import PSNRMetric, SSIMMetric
from monai.transforms import ResizeWithPadOrCrop
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.parallel import in_parallel
from benchmarks.tables import markdown
from iunet_med.datasets.simulation.torso import simulate_ct
from iunet_med.datasets.simulation.writers import write_image
from iunet_med.shipped import bundle_folder
from iunet_med.tomography import Geometry, filtered_backprojection, photon_noise, project
from iunet_med.volumes import read_volume

WATER_PER_MM = 0.02
"""Attenuation of water at the energies of a CT."""
ANGLES, PHOTONS, SPACING_MM = 120, 5e4, 3.0
TRAINING = range(90000, 90008)
HU = (-1000.0, 1000.0)
COLUMNS = ("image", "PSNR, dB", "SSIM", "deviation of the error, HU")


def low_dose(hu: NDArray[np.float32], *, spacing_mm: float, photons: float, angles: int, seed: int) -> Tensor:
    """Return what a scanner with few photons shows of a volume, both (X, Y, Z) in HU, by filtered backprojection."""
    edge = int(np.ceil(max(hu.shape[:2]) * 2**0.5 / 2)) * 2  # every ray of the cylinder passes the whole image
    attenuation = (torch.from_numpy(hu)[None] + 1000).clamp_min(0) / 1000 * WATER_PER_MM
    attenuation = ResizeWithPadOrCrop((edge, edge, hu.shape[2]))(attenuation).as_tensor()
    geometry = Geometry.upright(angles)
    integrals = spacing_mm * project(attenuation[None], geometry)
    measured = photon_noise(integrals, photons, generator=torch.Generator().manual_seed(seed)) / spacing_mm
    shown = filtered_backprojection(measured, geometry.angles, window="hann")[0]
    back = ResizeWithPadOrCrop(hu.shape)(shown).as_tensor()[0]
    return back / WATER_PER_MM * 1000 - 1000


def table(data: Path | None, picture: Path | None = None, *, quick: bool = False) -> str:
    """Return the figures in Markdown, and draw slices; `quick` trains for two epochs."""
    if data is None:
        return "Open: give a folder with a CT, NAME.nii.gz beside NAME_labels.nii.gz, by `--ct FOLDER`."
    scan = sorted(data.glob("*_labels.nii.gz"))[0].name.replace("_labels", "")
    volume = read_volume(data / scan)
    spacing = float(np.linalg.norm(volume.affine[:3, 0]))
    epochs = 2 if quick else 60
    with tempfile.TemporaryDirectory() as folder:
        pairs = Path(folder, "train")
        seeds = TRAINING[:2] if quick else TRAINING
        for _ in in_parallel(_write_torso, [(str(pairs), seed) for seed in seeds], told=str):
            pass
        truth = np.clip(volume.array, *HU).astype(np.float32)
        write_pair(Path(folder, "real", "scan"), truth, volume.affine, spacing_mm=spacing, seed=0)
        restored = _restored(Path(folder), epochs)
        degraded = read_volume(Path(folder, "real", "scan", "scan_fbp.nii.gz")).array
    shown = {"at a low dose": degraded, "restored": restored}
    if picture is not None:
        draw(picture, truth, shown)
    return (
        f"{scan}, real CT, measured again with {PHOTONS:g} photons per ray and {ANGLES} angles, Hann's window. The "
        f"bundle's IUNet was trained for {epochs * len(seeds)} steps on {len(seeds)} simulated torsos at "
        f"{SPACING_MM:g} mm that were measured alike; it has seen no real scan. Against the scan as it was, between "
        f"{HU[0]:g} and {HU[1]:g} HU.\n\n" + markdown(COLUMNS, rows(truth, shown))
    )


def write_pair(
    folder: Path, truth: NDArray[np.float32], affine: NDArray[np.float64], *, spacing_mm: float, seed: int
) -> None:
    """Write `_truth` and `_fbp` as the restoration bundle reads them."""
    degraded = low_dose(truth, spacing_mm=spacing_mm, photons=PHOTONS, angles=ANGLES, seed=seed).numpy()
    for name, image in (("truth", truth), ("fbp", degraded)):
        write_image(folder / f"{folder.name}_{name}.nii.gz", image, affine)


def _write_torso(where: tuple[str, int]) -> str:
    folder, seed = where
    case = simulate_ct(seed, spacing_mm=SPACING_MM)
    truth = np.clip(case.image, *HU).astype(np.float32)
    write_pair(Path(folder, f"torso-{seed}"), truth, case.affine, spacing_mm=SPACING_MM, seed=seed)
    return f"torso {seed}"


def _restored(folder: Path, epochs: int) -> NDArray[np.generic]:
    """Train and restore by the bundle's own configs."""
    training = _parsed("train", folder / "train", folder, max_epochs=epochs, val_interval=epochs, cache_rate=1.0)
    training.get_parsed_content("train::trainer").run()
    inference = _parsed("inference", folder / "real", folder)
    inference.get_parsed_content("evaluator").run()
    return read_volume(folder / "out" / "scan" / "scan_restored.nii.gz").array


def _parsed(name: str, data: Path, folder: Path, **more: Any) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config(bundle_folder("iunet_ct_restoration") / "configs" / f"{name}.json")
    where = {"dataset_dir": str(data), "ckpt_dir": str(folder / "model"), "output_dir": str(folder / "out")}
    parser.update({**where, "device": "cpu", "num_workers": 0, **more})
    if name == "train":
        parser["value_range"] = list(HU)
    return parser


def rows(truth: NDArray[np.generic], shown: Mapping[str, NDArray[np.generic]]) -> Iterator[tuple[object, ...]]:
    """Yield a row per image."""
    psnr, ssim = PSNRMetric(max_val=HU[1] - HU[0]), SSIMMetric(spatial_dims=3, data_range=HU[1] - HU[0])
    exact = torch.from_numpy(np.asarray(truth, np.float32))[None, None]
    for name, image in shown.items():
        found = torch.from_numpy(np.asarray(image, np.float32))[None, None].clamp(*HU)
        deviation = float((found - exact).std())
        yield name, f"{float(psnr(found, exact)):.2f}", f"{float(ssim(found, exact)):.3f}", f"{deviation:.0f}"


def draw(path: Path, truth: NDArray[np.generic], shown: Mapping[str, NDArray[np.generic]]) -> None:
    """Write a PNG: an axial and a coronal slice of each image, in one grey scale from -160 to 240 HU."""
    from matplotlib.figure import Figure

    images = {"as it was": truth, **shown}
    figure = Figure(figsize=(3.2 * len(images), 6.2), layout="constrained")
    axes = figure.subplots(2, len(images))
    for column, (name, image) in enumerate(images.items()):
        slices = (image[:, :, int(0.8 * image.shape[2])], image[:, image.shape[1] // 2, :])
        for row, slice_ in enumerate(slices):
            axes[row, column].imshow(slice_.T, cmap="gray", vmin=-160, vmax=240, origin="lower")
            axes[row, column].set_axis_off()
        axes[0, column].set_title(name, fontsize=9)
    figure.savefig(path, dpi=110)
