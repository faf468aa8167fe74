"""What is implausible in a label map that was made of an image."""

from collections.abc import Iterator, Mapping, Sequence

from iunet_med.checks.finding import Finding, warning
from iunet_med.checks.measures import RegionMeasure

SMALLEST_LESION_ML = 0.014
"""A ball of 3 mm. Source: Filippi et al., Lancet Neurology 15 (2016): lesions of MS are at least 3 mm long."""
LARGEST_PART = 0.6
"""No organ or tumour fills more of the image, air left out: more looks like a label map of another kind of image."""
MANY_PARTS = 500
"""More parts are noise: another kind of image than the network knows, or weights that are not trained."""

LARGEST_TUMOUR_ML = 400.0
"""A third of a brain of 1200 ml; a judgement of this project, not a published limit."""
LARGE_OEDEMA_ML = 150.0
"""So much oedema without any core is another kind of image, or another disease, than the network knows. Also a
judgement."""


CERTAIN_DICE = 0.85
"""Below it the network's own probabilities allow many other outlines; a judgement of this project."""


def check_certainty(expected: Mapping[str, float]) -> list[Finding]:
    """Warn of regions that the network itself is unsure of.

    Args:
        expected: by region the Dice that its probabilities let expect, as of `ExpectedDice`; NaN where nothing is.
    """
    unsure = {name: value for name, value in expected.items() if value < CERTAIN_DICE}
    if not unsure:
        return []
    told = ", ".join(f"{name} (expected Dice {value:.2f})" for name, value in unsure.items())
    return [
        warning(
            "unsure",
            f"the network is unsure of {told}; usual: {CERTAIN_DICE} or more by its probabilities; look at the result.",
        )
    ]


def check_labels(measures: Sequence[RegionMeasure], *, volume_ml: float) -> list[Finding]:
    """Check the measures of a label map: nothing found, specks, noise, or implausibly much.

    Args:
        measures: one per label, from `measure_labels`.
        volume_ml: the volume of the image that is not background, such as its voxels above zero for a skull-stripped
            head, or above -500 HU for CT.
    """
    found = [measure for measure in measures if measure.components]
    if not found:
        names = ", ".join(measure.name for measure in measures)
        return [
            warning(
                "empty-mask",
                f"nothing was found of {names}; look at the image: is there nothing to find, or "
                "is it another kind of image than the network was trained on?",
            )
        ]
    return [*_tumour(measures), *_large(found, volume_ml), *_specks(found), *_parts(found)]


def _tumour(measures: Sequence[RegionMeasure]) -> Iterator[Finding]:
    """Check the nested regions of a brain tumour, WT and TC; other bundles have none of these names."""
    volumes = {measure.name: measure.volume_ml for measure in measures}
    if "WT" not in volumes or "TC" not in volumes:
        return
    whole, core = volumes["WT"], volumes["TC"]
    if whole > LARGEST_TUMOUR_ML:
        yield warning(
            "tumour-volume",
            f"the whole tumour (WT) has {whole:.0f} ml; usual: up to {LARGEST_TUMOUR_ML:.0f} ml; the result is "
            "probably wrong: look at the outlines, at the order of the modalities and at the skull-stripping.",
        )
    if whole > LARGE_OEDEMA_ML and not core:
        yield warning(
            "no-core",
            f"the whole tumour (WT) has {whole:.0f} ml without any core (TC); usual: a core in tumours above "
            f"{LARGE_OEDEMA_ML:.0f} ml; the result is probably wrong: is there a tumour at all?",
        )


def _specks(found: Sequence[RegionMeasure]) -> Iterator[Finding]:
    largest = max(measure.largest_ml for measure in found)
    if largest < SMALLEST_LESION_ML:
        yield warning(
            "specks",
            f"the largest part that was found has {largest:.2g} ml; a lesion of 3 mm has "
            f"{SMALLEST_LESION_ML} ml; look whether it is noise.",
        )


def _parts(found: Sequence[RegionMeasure]) -> Iterator[Finding]:
    for measure in found:
        if measure.components > MANY_PARTS:
            yield warning(
                "many-parts",
                f"{measure.name} falls into {measure.components:,} parts; usual: up to "
                f"{MANY_PARTS}; is it another kind of image than the network was trained on?",
            )


def _large(found: Sequence[RegionMeasure], volume_ml: float) -> Iterator[Finding]:
    for measure in found:
        if measure.volume_ml > LARGEST_PART * volume_ml:
            yield warning(
                "implausible-volume",
                f"{measure.name} has {measure.volume_ml:.0f} ml of the {volume_ml:.0f} "
                f"ml in the image; usual: up to {LARGEST_PART:.0%}; look at the outlines, and at the order of the "
                "modalities.",
            )
