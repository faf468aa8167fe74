"""Whether familiarity tells shifted images from those of training and falls where Dice falls, beside simple scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.inferers import SlidingWindowInferer
from monai.metrics import compute_dice
from monai.networks.utils import one_hot
from scipy.stats import rankdata, spearmanr
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d, interpolate

from benchmarks.hippocampus import NETWORKS, RATES, WINDOW, fitted, split_and_read
from benchmarks.tables import markdown
from iunet_med.familiarity import Reference, pooled_features

BINS = torch.linspace(-4, 4, 33)
Shift = Callable[[Tensor, torch.Generator], Tensor]


def _normalised(image: Tensor) -> Tensor:
    return (image - image.mean()) / image.std().clamp_min(1e-6)


def _noise(image: Tensor, rng: torch.Generator) -> Tensor:
    return image + torch.randn(image.shape, generator=rng)


def _thick_slices(image: Tensor, _: torch.Generator) -> Tensor:
    thick = avg_pool3d(image[None], (1, 1, 5), ceil_mode=True)
    return interpolate(thick, size=image.shape[1:], mode="nearest")[0]


def _ghost(image: Tensor, _: torch.Generator) -> Tensor:
    return image + 0.5 * image.roll(12, 2)


def _half(image: Tensor, _: torch.Generator) -> Tensor:
    cut = image.clone()
    cut[:, :, image.shape[2] // 2 :] = image.min()
    return cut


SHIFTS: Mapping[str, Shift] = {
    "noise of the image's own deviation": _noise,
    "slices of 5 mm": _thick_slices,
    "motion ghost": _ghost,
    "inverted contrast": lambda image, _: -image,
    "half of the field of view": _half,
    "front and back exchanged": lambda image, _: image.flip(2),
    "top and bottom exchanged": lambda image, _: image.flip(3),
    "gamma 3": lambda image, _: (image - image.min()) ** 3,
}
"""Of an image (1, X, Y, Z), which is normalised again afterwards; what is exchanged is so in the label, too."""
SCORES = {"familiarity": -1, "flow": -1, "histogram": 1, "entropy": 1}
"""What is compared, and whether unfamiliar images score lower (-1) or higher."""
COLUMNS = ("images", "Dice", *(f"AUROC {name}" for name in SCORES), "flagged, %")
COMPONENTS, FLOW_STEPS = 12, 400
"""Of the flow: principal components of the features that it sees, and steps of Adam on all images at once."""


def table(data: Path | None, *, quick: bool = False) -> str:
    """Return the table in Markdown; `quick` trains for two seconds."""
    if data is None:
        return "Open: give the folder of Task04_Hippocampus by `--hippocampus FOLDER`."
    torch.manual_seed(0)
    training, held_out, batch = split_and_read(str(data), fold=0)
    network = NETWORKS["IUNet"]()
    fitted(network, batch, 2.0 if quick else 200.0, rate=RATES[0])
    found = list(rows(network.eval(), training, held_out))
    scores = torch.tensor([score for _, each in found for score in each])
    told = [
        f"{name} {spearmanr(scores[:, column], scores[:, 0]).statistic:.2f}"
        for column, name in enumerate(SCORES, 1)
        if bool(scores[:, column].isfinite().all())
    ]
    lines = _lines(found)
    return (
        f"An IUNet trained on {len(training)} hippocampi; {len(held_out)} held-out ones as they are, and shifted. "
        "AUROC: how well a score tells shifted images from held-out ones; flagged: familiarity below 2 %. Flow: log "
        f"density of {COMPONENTS} principal components of the same features by a spline flow of zuko. Histogram: "
        "distance of brightnesses from the training images' mean; entropy: its mean over the prediction. Rank "
        f"correlation with Dice over all images (a useful score is near 1 or -1): {', '.join(told)}.\n\n"
        + markdown(COLUMNS, lines)
    )


def rows(
    network: nn.Module, training: Sequence[Mapping[str, Any]], held_out: Sequence[Mapping[str, Any]]
) -> Iterator[tuple[str, list[tuple[float, ...]]]]:
    """Yield for the held-out images and each shift: for each image Dice, the scores in their order, flag."""
    images = [torch.as_tensor(case["image"]) for case in training]
    features = torch.stack([pooled_features(network, image, size=WINDOW) for image in images])
    reference = Reference.of(features, weights_sha256="")
    density = flow_density(features)
    usual = torch.stack([_histogram(image) for image in images]).mean(0)
    rng = torch.Generator().manual_seed(0)
    for name, shift in {"held out": lambda image, _: image, **SHIFTS}.items():
        scored = []
        for case in held_out:
            image = _normalised(shift(torch.as_tensor(case["image"]), rng))
            own = pooled_features(network, image, size=WINDOW)
            known = reference.familiarity(own)
            label = torch.as_tensor(case["label"])
            dice, entropy = _predicted(network, image, shift(label, rng) if "exchanged" in name else label)
            histogram = float((_histogram(image) - usual).abs().sum())
            scored.append((dice, -known.distance, density(own), histogram, entropy, float(known.is_low)))
        yield name, scored


def flow_density(features: Tensor) -> Callable[[Tensor], float]:
    """Fit a small flow to training features (images, features); return what gives an image's log density in nats.

    Without zuko, which is no part of the project, it gives no number."""
    if not find_spec("zuko"):
        return lambda _: float("nan")
    import zuko

    torch.manual_seed(0)
    mean, deviation = features.mean(0), features.std(0).clamp_min(1e-6)
    z = (features - mean) / deviation
    _, spread, axes = torch.pca_lowrank(z.double(), q=COMPONENTS, center=False)
    scale = spread / len(z) ** 0.5
    seen = ((z.double() @ axes) / scale).float()
    flow = zuko.flows.NSF(COMPONENTS, transforms=2, hidden_features=(32, 32))
    optimizer = torch.optim.AdamW(flow.parameters(), lr=3e-3, weight_decay=1e-2)
    for _ in range(FLOW_STEPS):
        optimizer.zero_grad()
        loss = -flow().log_prob(seen + 0.1 * torch.randn_like(seen)).mean()
        loss.backward()
        optimizer.step()

    def density(one: Tensor) -> float:
        with torch.no_grad():
            return float(flow().log_prob(((((one - mean) / deviation).double() @ axes) / scale).float()))

    return density


def _lines(found: Sequence[tuple[str, list[tuple[float, ...]]]]) -> Iterator[tuple[object, ...]]:
    usual = np.array(found[0][1])
    for name, scored in found:
        these = np.array(scored)
        areas = [
            "-"
            if name == "held out" or np.isnan(these[:, k]).any()
            else f"{_area(s * usual[:, k], s * these[:, k]):.2f}"
            for k, s in enumerate(SCORES.values(), 1)
        ]
        yield name, f"{np.nanmean(these[:, 0]):.2f}", *areas, f"{100 * these[:, -1].mean():.0f}"


def _area(low: Any, high: Any) -> float:
    """Return the chance that a score of `high` is above one of `low`: the area under the ROC curve."""
    ranks = rankdata(np.concatenate([low, high]))[len(low) :]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(low) * len(high)))


def _histogram(image: Tensor) -> Tensor:
    return torch.histc(image.float(), len(BINS) - 1, float(BINS[0]), float(BINS[-1])) / image.numel()


@torch.no_grad()
def _predicted(network: nn.Module, image: Tensor, label: Tensor) -> tuple[float, float]:
    """Return mean Dice of the parts, and the mean entropy of the probabilities in nats."""
    logits = torch.as_tensor(SlidingWindowInferer(WINDOW, overlap=0.5, mode="gaussian")(image[None], network))
    probabilities = logits.softmax(1)
    found, true = (one_hot(x, 3) for x in (logits.argmax(1, keepdim=True), label[None]))
    dice = float(compute_dice(found, true, include_background=False).nanmean())
    return dice, float(torch.special.entr(probabilities).sum(1).mean())
