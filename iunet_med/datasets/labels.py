"""What a label map holds: the volume of each value, and whether a layout knows these values."""

from collections.abc import Mapping, Sequence

import numpy as np

from iunet_med.datasets.problems import Problem
from iunet_med.datasets.public import LAYOUT_NAMES, dataset_layout
from iunet_med.volumes import Volume, whole_numbers
from iunet_med.volumes.grid import voxel_ml


def label_volumes(label: Volume) -> dict[float, float]:
    """Return the volume of each value of a label map but 0, in ml, smallest value first."""
    values = whole_numbers(label.array)
    if values.dtype.kind == "u":
        counts = np.bincount(values.ravel(order="K"))
        found, numbers = np.flatnonzero(counts), counts[counts > 0]
    else:
        found, numbers = np.unique(values, return_counts=True)
    each_ml = voxel_ml(label.affine)
    return {float(value): float(n * each_ml) for value, n in zip(found, numbers, strict=True) if value != 0}


def label_problems(case: str, volumes: Mapping[float, float], regions: Mapping[str, Sequence[int]]) -> list[Problem]:
    """List what is wrong with the values of a case's label map: none at all, or some that no region contains."""
    known = set().union(*regions.values())
    if not volumes:
        cure = "take the case away, or add its label; if nothing is to be labelled in it, set empty_labels true"
        return [Problem(case, "the label map is empty", f"voxels of the values {sorted(known)}", cure)]
    foreign = {value: ml for value, ml in volumes.items() if value not in known}
    if not foreign:
        return []
    named = [name for name in LAYOUT_NAMES if name not in ("files", "nnunet")]  # their values are those of others
    fitting = [name for name in named if set(volumes) <= set().union(*dataset_layout(name).regions.values())]
    cure = f"choose the layout whose values these are ({', '.join(fitting)})" if fitting else "correct the label map"
    found = ", ".join(f"label value {_in_full(value)} ({ml:.3g} ml)" for value, ml in foreign.items())
    return [Problem(case, found, f"the values {sorted(known)} of {_meaning(regions)}", cure)]


def _meaning(regions: Mapping[str, Sequence[int]]) -> str:
    return ", ".join(f"{name} = {'+'.join(map(str, values))}" for name, values in regions.items())


def _in_full(value: float) -> str:
    """All digits: a value next to a whole number must not read like it."""
    return str(int(value)) if float(value).is_integer() else repr(value)
