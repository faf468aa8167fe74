import pytest
import torch
from torch import nn

from iunet_med.nn.blocks import ConvolutionalBlock, activation, convolution, normalisation


def test_block_repeats_convolution_norm_dropout_activation() -> None:
    block = ConvolutionalBlock(
        3, 4, kernel_size=(1, 3, 3), depth=2, norm=("group", {"num_groups": 2}), act="relu", dropout=0.1
    )
    kinds = [nn.Conv3d, nn.GroupNorm, nn.Dropout, nn.ReLU] * 2
    assert [type(layer) for layer in block] == kinds
    assert block[0].bias is None
    assert block[1].num_groups == 2


def test_convolution_has_a_bias_where_no_norm_follows() -> None:
    block = ConvolutionalBlock(1, 4, kernel_size=3, depth=1, norm=None, act=None, dropout=0)
    assert block[0].bias is not None


def test_instance_norm_is_torch_s_and_batch_norm_keeps_statistics() -> None:
    x = torch.randn(2, 4, 5, 6, 7, dtype=torch.float64) * 3 + 1
    norm = normalisation(3, 4, "INSTANCE").double()
    torch.testing.assert_close(norm(x), nn.InstanceNorm3d(4)(x))
    assert norm.weight.requires_grad
    assert normalisation(2, 4, ("batch", {"momentum": 0.2})).momentum == 0.2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: normalisation(3, 4, "instnace"),
            "Unknown norm 'instnace'; choose 'instance', 'group', 'batch'",
        ),
        (lambda: activation("rleu"), "Unknown act 'rleu'; choose one of 'elu'"),
        (lambda: convolution(3, 1, 1, 2), "kernel_size=2: expected one odd length, or 3 of them"),
        (lambda: convolution(3, 1, 1, (3, 3)), r"kernel_size=\(3, 3\): expected one odd length, or 3 of them"),
    ],
)
def test_what_cannot_be_honoured_is_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
