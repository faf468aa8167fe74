"""Bijections and their reversible backpropagation, in torch alone."""

from iunet_med.nn.bijection import Bijection, Inverse
from iunet_med.nn.blocks import ConvolutionalBlock
from iunet_med.nn.chain import Chain, OnLastChannels
from iunet_med.nn.channel_plan import ChannelPlan
from iunet_med.nn.coupling import AdditiveCoupling, AffineCoupling, Couplings
from iunet_med.nn.orthogonal import cayley, matrix_exponential
from iunet_med.nn.resampling import OrthogonalDownsampling
from iunet_med.nn.reversible import reversible

__all__ = [
    "AdditiveCoupling",
    "AffineCoupling",
    "Bijection",
    "Chain",
    "ChannelPlan",
    "ConvolutionalBlock",
    "Couplings",
    "Inverse",
    "OnLastChannels",
    "OrthogonalDownsampling",
    "cayley",
    "matrix_exponential",
    "reversible",
]
