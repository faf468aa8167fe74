"""MONAI dictionary transforms: modalities, outliers, regions, and label maps on their images' grids."""

from iunet_med.transforms.modalities import OrderModalitiesd
from iunet_med.transforms.outliers import LimitOutliersd
from iunet_med.transforms.regions import LabelToRegionsd, RegionsToLabeld, own_values
from iunet_med.transforms.save import SaveSegmentationd

__all__ = [
    "LabelToRegionsd",
    "LimitOutliersd",
    "OrderModalitiesd",
    "RegionsToLabeld",
    "SaveSegmentationd",
    "own_values",
]
