"""Bijections and their reversible backpropagation, in torch alone."""

from iunet_med.nn.bijection import Bijection, Inverse
from iunet_med.nn.blocks import ConvolutionalBlock
from iunet_med.nn.chain import Chain, OnLastChannels
from iunet_med.nn.channel_plan import ChannelPlan
from iunet_med.nn.coupling import AdditiveCoupling, AffineCoupling, Couplings
from iunet_med.nn.engine import reversible
from iunet_med.nn.isometry import Isometry
from iunet_med.nn.mixing import ChannelMixing
from iunet_med.nn.orthogonal import cayley, givens, householder, matrix_exponential
from iunet_med.nn.resampling import OrthogonalDownsampling
from iunet_med.nn.residual import InvertibleResidual

__all__ = [
    "AdditiveCoupling",
    "AffineCoupling",
    "Bijection",
    "Chain",
    "ChannelMixing",
    "ChannelPlan",
    "ConvolutionalBlock",
    "Couplings",
    "Inverse",
    "InvertibleResidual",
    "Isometry",
    "OnLastChannels",
    "OrthogonalDownsampling",
    "cayley",
    "givens",
    "householder",
    "matrix_exponential",
    "reversible",
]
