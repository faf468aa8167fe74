"""The networks that a user would choose between for four MRI modalities and three tumour regions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

from monai.networks.blocks import Convolution, ResidualUnit
from monai.networks.blocks.dynunet_block import UnetBasicBlock, UnetUpBlock
from monai.networks.blocks.mednext_block import MedNeXtBlock, MedNeXtDownBlock, MedNeXtUpBlock
from monai.networks.blocks.segresnet_block import ResBlock
from monai.networks.nets import (
    BasicUNet,
    DynUNet,
    MedNeXtB,
    MedNeXtL,
    MedNeXtM,
    MedNeXtS,
    SegResNet,
    SegResNetDS,
    UNet,
)
from monai.networks.nets.basic_unet import Down, TwoConv, UpCat
from monai.networks.nets.segresnet_ds import SegResBlock
from torch import nn
from torch.utils.checkpoint import checkpoint

from iunet_med import IUNet

Build = Callable[[], nn.Module]
LEVELS = 5
MEDNEXTS = {"S": MedNeXtS, "B": MedNeXtB, "M": MedNeXtM, "L": MedNeXtL}
MEDNEXT_BLOCKS = (MedNeXtBlock, MedNeXtDownBlock, MedNeXtUpBlock)


def iunet(channels: int, **more: Any) -> nn.Module:
    """Return an IUNet of five levels that double their channels, two couplings per level and branch."""
    return IUNet(3, 4, 3, [channels * 2**level for level in range(LEVELS)], couplings=2, **more)


def seg_res_net(filters: int) -> nn.Module:
    """Return MONAI's SegResNet with the blocks of its paper, as in the BraTS bundle of the model zoo."""
    return SegResNet(3, init_filters=filters, in_channels=4, out_channels=3)


def dyn_unet() -> nn.Module:
    """Return MONAI's DynUNet with the plan that nnU-Net makes for whole brains: 32 to 320 channels, five levels."""
    return DynUNet(3, 4, 3, [3] * 5, [1, 2, 2, 2, 2], [2] * 4, filters=(32, 64, 128, 256, 320))


def basic_unet() -> nn.Module:
    """Return MONAI's BasicUNet as it comes."""
    return BasicUNet(3, 4, 3)


def residual_unet() -> nn.Module:
    """Return MONAI's UNet of 32 to 512 channels; its first convolution halves the resolution."""
    return UNet(3, 4, 3, (32, 64, 128, 256, 512), (2, 2, 2, 2), num_res_units=2)


def seg_res_net_ds() -> nn.Module:
    """Return MONAI's SegResNetDS, which Auto3DSeg trains, with its blocks for brains and instance norm."""
    return SegResNetDS(3, 32, 4, 3, norm="instance", blocks_down=(1, 2, 2, 4, 4))


def mednext(size: str) -> nn.Module:
    """Return MONAI's MedNeXt of size S, B, M or L, with kernels of 3 voxels."""
    return MEDNEXTS[size](spatial_dims=3, in_channels=4, out_channels=3, kernel_size=3)


def residual_encoder_unet() -> nn.Module:
    """Return nnU-Net's ResEnc L as it plans it for whole brains, without deep supervision.

    Source: Isensee et al. 2024, arXiv 2404.09556; `pip install dynamic-network-architectures`.
    """
    from dynamic_network_architectures.architectures.unet import ResidualEncoderUNet

    return ResidualEncoderUNet(  # type: ignore[no-any-return]
        4,
        n_stages=6,
        features_per_stage=(32, 64, 128, 256, 320, 320),
        conv_op=nn.Conv3d,
        kernel_sizes=3,
        strides=(1, 2, 2, 2, 2, 2),
        n_blocks_per_stage=(1, 3, 4, 6, 6, 6),
        num_classes=3,
        n_conv_per_stage_decoder=(1, 1, 1, 1, 1),
        conv_bias=True,
        norm_op=nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
    )


def residual_encoder_blocks() -> tuple[type[nn.Module], ...]:
    """Return the blocks of `residual_encoder_unet`."""
    from dynamic_network_architectures.building_blocks.residual import BasicBlockD
    from dynamic_network_architectures.building_blocks.simple_conv_blocks import StackedConvBlocks

    return BasicBlockD, StackedConvBlocks


def checkpointed(build: Build, *blocks: type[nn.Module]) -> nn.Module:
    """Build a network whose outermost `blocks` keep their input alone and run again in the backward pass."""
    network = build()
    _checkpoint(network, blocks)
    return network


def _checkpoint(module: nn.Module, blocks: tuple[type[nn.Module], ...]) -> None:
    for child in module.children():
        if isinstance(child, blocks):
            forward = child.forward
            child.forward = partial(checkpoint, forward, use_reentrant=False, preserve_rng_state=False)  # type: ignore[method-assign]
        else:
            _checkpoint(child, blocks)


def contenders() -> dict[str, Build]:
    """Return what builds each network, by its name in the tables; none of them offers checkpointing by itself."""
    ours = {
        f"IUNet-{channels}, {backprop}": partial(iunet, channels, backprop=backprop)
        for channels in (16, 32, 64)
        for backprop in ("reversible", "stored")
    }
    ours["IUNet-64, reversible, fixed16"] = partial(iunet, 64, backprop="reversible", state="fixed16")
    monai: dict[str, tuple[Build, tuple[type[nn.Module], ...]]] = {
        "SegResNet-16": (partial(seg_res_net, 16), (ResBlock,)),
        "SegResNet-32": (partial(seg_res_net, 32), (ResBlock,)),
        "DynUNet": (dyn_unet, (UnetBasicBlock, UnetUpBlock)),
        "BasicUNet": (basic_unet, (TwoConv, Down, UpCat)),
        "UNet 32..512": (residual_unet, (ResidualUnit, Convolution)),
        "SegResNetDS-32": (seg_res_net_ds, (SegResBlock,)),
        **{f"MedNeXt-{size}": (partial(mednext, size), MEDNEXT_BLOCKS) for size in MEDNEXTS},
    }
    if find_spec("dynamic_network_architectures"):
        monai["ResEnc L of nnU-Net"] = (residual_encoder_unet, residual_encoder_blocks())
    others: dict[str, Build] = {}
    for name, (build, blocks) in monai.items():
        others[name] = build
        others[f"{name}, blocks checkpointed"] = partial(checkpointed, build, *blocks)
    return ours | others
