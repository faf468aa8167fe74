"""MONAI dictionary transforms: modalities, outliers, regions, and label maps on their images' grids."""

from iunet_med.transforms.largest_part import KeepLargestPartd
from iunet_med.transforms.load import LoadModalitiesd
from iunet_med.transforms.modality_dropout import RandDropModalitiesd
from iunet_med.transforms.organs import LoadOrgansd, is_body
from iunet_med.transforms.outliers import LimitOutliersd
from iunet_med.transforms.regions import LabelToRegionsd, RegionsToLabeld, own_values
from iunet_med.transforms.save import SaveRestoredd, SaveSegmentationd
from iunet_med.transforms.spacing import PlainSpacingd

__all__ = [
    "KeepLargestPartd",
    "LabelToRegionsd",
    "LimitOutliersd",
    "LoadModalitiesd",
    "LoadOrgansd",
    "PlainSpacingd",
    "RandDropModalitiesd",
    "RegionsToLabeld",
    "SaveRestoredd",
    "SaveSegmentationd",
    "is_body",
    "own_values",
]
