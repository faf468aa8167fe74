"""How familiar an image is to a network: the distance of its features from those of the images it was trained on."""

from iunet_med.familiarity.density import Gaussian, held_out_distances
from iunet_med.familiarity.features import pooled_features
from iunet_med.familiarity.reference import Familiarity, Reference, read_reference

__all__ = ["Familiarity", "Gaussian", "Reference", "held_out_distances", "pooled_features", "read_reference"]
