"""How familiar a case is to a bundle's network, in words where it is not."""

import logging
from dataclasses import replace
from itertools import combinations

import torch
from monai.utils import fall_back_tuple
from torch import Tensor

from iunet_med.checks.finding import Finding
from iunet_med.familiarity import Familiarity, pooled_features, read_reference
from iunet_med.familiarity.reference import FILE
from iunet_med.inference.bundle import Bundle

logger = logging.getLogger(__name__)


def with_reference(bundle: Bundle) -> Bundle:
    """Return the bundle with the features of its training images, or as it is, saying once what is missing."""
    path = bundle.checkpoint.with_name(FILE)
    try:
        return replace(bundle, reference=read_reference(path, weights_sha256=bundle.weights_sha256))
    except FileNotFoundError:
        text = f"there is no {path}"
    except ValueError as error:
        text = str(error).rstrip(".")
    logger.warning(
        "Cases are not compared with those of training: %s. `iunet-med familiarity FOLDER --bundle BUNDLE` makes it of "
        "the training images.",
        text,
    )
    return bundle


def case_features(image: Tensor, bundle: Bundle) -> Tensor:
    """Return the features of a preprocessed image (C, D, H, W): of one window in its middle."""
    size = fall_back_tuple(getattr(bundle.inferer, "roi_size", -1), tuple(image.shape[1:]))
    return pooled_features(bundle.network, image, size=size)


def familiarity(image: Tensor, bundle: Bundle) -> tuple[Familiarity, tuple[Finding, ...]] | None:
    """Compare a preprocessed image (C, D, H, W) with those of training; None where the bundle does not know them."""
    if bundle.reference is None:
        return None
    found = bundle.reference.familiarity(case_features(image, bundle))
    if not found.is_low:
        return found, ()
    swapped = _swapped(image, bundle)
    cure = (
        f"with {swapped} swapped it would be a familiar one: check which file is which"
        if swapped
        else "do not rely on the result before you have looked at it; likely causes are other contrasts, scanners, "
        "preparation or diseases than those of training"
    )
    message = (
        f"the image is unlike those that the network was trained on: its features lie {found.distance:.2g} from "
        f"theirs, the training images' at most {found.largest:.2g} (median {found.usual:.2g}); {cure}."
    )
    return found, (Finding("warning", "unfamiliar", message),)


def _swapped(image: Tensor, bundle: Bundle) -> str:
    """Name two modalities whose exchange makes the image familiar."""
    names = list(bundle.layout.modalities)
    if bundle.reference is None or len(names) != len(image):
        return ""
    best: tuple[float, str] = (0.0, "")
    for one, other in combinations(range(len(names)), 2):
        order = list(range(len(names)))
        order[one], order[other] = other, one
        exchanged = bundle.reference.familiarity(case_features(image[torch.tensor(order)], bundle))
        if not exchanged.is_low:
            best = max(best, (exchanged.percent, f"{names[one]} and {names[other]}"))
    return best[1]
