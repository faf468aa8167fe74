import pytest
import torch

from iunet_med.networks.padding import crop, pad


def test_padding_repeats_the_border_and_cropping_undoes_it() -> None:
    x = torch.arange(15.0).reshape(1, 1, 3, 5)
    y = pad(x, (2, 4), "auto")
    assert y.shape == (1, 1, 4, 8)
    torch.testing.assert_close(y[..., 3, :5], x[..., 2, :], rtol=0, atol=0)
    torch.testing.assert_close(y[..., :3, 7], x[..., 4], rtol=0, atol=0)
    torch.testing.assert_close(crop(y, (3, 5)), x, rtol=0, atol=0)


def test_multiples_are_left_alone() -> None:
    x = torch.zeros(1, 1, 4, 8)
    assert pad(x, (2, 4), "none") is x


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((1, 8), r"at least the network's reach, \(2, 4\) voxels .* got \(1, 8\)"),
        ((3, 5), r"multiples of \(2, 4\), got \(3, 5\); pad it to \(4, 8\) or set padding='auto'"),
    ],
)
def test_sizes_that_cannot_be_are_refused(size: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pad(torch.zeros(1, 1, *size), (2, 4), "none")
