"""Some of a bundle's classes alone: what is written, measured and drawn of a case."""

from collections.abc import Sequence
from dataclasses import replace

from monai.transforms import Compose, LabelFilterd

from iunet_med.datasets import Layout
from iunet_med.datasets.named_layout import NamedLayout
from iunet_med.inference.bundle import Bundle
from iunet_med.transforms import own_values


def only_classes(bundle: Bundle, classes: Sequence[str]) -> Bundle:
    """Return a bundle whose label maps hold these classes alone, each with the classes nested in it.

    Args:
        bundle: the bundle.
        classes: their names, upper and lower case alike; none for all.

    Raises:
        ValueError: a name is unknown.
    """
    if not classes:
        return bundle
    known = {name.lower(): name for name in bundle.layout.regions}
    if unknown := [name for name in classes if name.lower() not in known]:
        raise ValueError(
            f"--classes {', '.join(unknown)}: expected some of {', '.join(bundle.layout.regions)}; --list-classes "
            "shows them."
        )
    chosen = {known[name.lower()] for name in classes}
    regions = {name: values for name, values in bundle.layout.regions.items() if name in chosen}
    kept = sorted({value for values in regions.values() for value in values})
    layout = NamedLayout(modalities=bundle.layout.modalities, regions=regions)
    return replace(bundle, layout=layout, finishing=Compose([bundle.finishing, LabelFilterd("pred", kept)]))


def class_rows(layout: Layout) -> list[tuple[str, str, str]]:
    """Return for each class its name, its label value, and all values that it is made of."""
    own = own_values(layout.regions)
    return [(name, str(own[name]), " ".join(map(str, made_of))) for name, made_of in layout.regions.items()]
