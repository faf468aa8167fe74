"""What the values of a label map are called: by a bundle's metadata, in the values of the study."""

from collections.abc import Mapping
from typing import Any

from iunet_med.datasets.layouts import Regions
from iunet_med.transforms import own_values


def label_names(metadata: Mapping[str, Any], usual: Regions, study: Regions) -> dict[str, int]:
    """Return the label values of a study by the names that MONAI Label's clients show.

    Args:
        metadata: the bundle's, whose `channel_def` names the values that its `usual` regions have.
        usual: the regions of the bundle's own layout.
        study: the same regions in the values of the study; others are called by their own names.

    >>> named = {"network_data_format": {"outputs": {"pred": {"channel_def": {"0": "background", "3": "enhancing"}}}}}
    >>> label_names(named, {"ET": [3]}, {"ET": [4], "RC": [5]})
    {'enhancing': 4, 'rc': 5}
    """
    outputs = metadata.get("network_data_format", {}).get("outputs", {}).get("pred", {})
    names = {int(value): str(name).lower() for value, name in outputs.get("channel_def", {}).items() if int(value)}
    before = own_values(usual)
    return {names.get(before.get(region, 0)) or region.lower(): value for region, value in own_values(study).items()}
