"""Slabs hold to the bit what MONAI's sliding windows return, whatever size, overlap and blending."""

import pytest
import torch
from monai.inferers import SimpleInferer, SlidingWindowInferer
from torch import Tensor, nn

from iunet_med.inference.windows.slabs import output_slabs, slab_labels, window_slabs


def network(channels: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv3d(1, channels, 3, padding=1).requires_grad_(False)


def put_together(slabs: object, like: Tensor) -> Tensor:
    result = torch.full_like(like, torch.nan)
    for slab in slabs:  # type: ignore[attr-defined]
        assert torch.isnan(result[0][slab.place]).all()  # each plane comes once
        result[0][slab.place] = slab.values
    return result


@pytest.mark.parametrize("mode", ["gaussian", "constant"])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("size", [(37, 22, 19), (16, 16, 16), (20, 9, 8), (11, 7, 9)], ids=str)
@pytest.mark.parametrize("batch", [1, 4])
def test_slabs_are_the_whole_output_to_the_bit(
    size: tuple[int, int, int], overlap: float, mode: str, batch: int
) -> None:
    image = torch.randn(1, 1, *size)
    window = SlidingWindowInferer((16, 12, 8), batch, overlap, mode=mode)
    whole = window(image, network())
    assert torch.equal(put_together(window_slabs(image, network(), window=window), whole), whole)
    rule = lambda logits: logits.argmax(0, keepdim=True)  # noqa: E731
    labels = slab_labels(output_slabs(image, network(), inferer=window), size, rule=rule)
    assert torch.equal(labels, whole.argmax(1).to(torch.uint8))


@pytest.mark.parametrize("size", [(9, 37, 19), (17, 12, 33), (7, 5, 11)], ids=str)
def test_along_another_axis_only_the_order_of_sums_differs(size: tuple[int, int, int]) -> None:
    image = torch.randn(1, 1, *size, dtype=torch.float64)
    window = SlidingWindowInferer((8, 12, 16), 2, 0.5, mode="gaussian")
    whole = window(image, network().double())
    torch.testing.assert_close(put_together(window_slabs(image, network().double(), window=window), whole), whole)


def test_planes_that_are_all_padding_are_left_out() -> None:
    image, window = torch.randn(1, 1, 9, 8, 7), SlidingWindowInferer((64, 32, 32), 1, 0.5)
    whole = window(image, network())
    assert torch.equal(put_together(window_slabs(image, network(), window=window), whole), whole)


@pytest.mark.parametrize("mode", ["gaussian", "constant"])
def test_ones_in_ones_out(mode: str) -> None:
    ones = torch.ones(1, 1, 23, 30, 41)
    window = SlidingWindowInferer((16, 16, 16), 2, 0.5, mode=mode)
    result = put_together(window_slabs(ones, lambda windows: windows, window=window), ones)
    torch.testing.assert_close(result, ones, rtol=0, atol=1e-5)


@pytest.mark.parametrize("inferer", [None, SimpleInferer()], ids=["in one piece", "another inferer"])
def test_other_ways_give_the_networks_own_output(inferer: SimpleInferer | None) -> None:
    image = torch.randn(1, 1, 19, 9, 11)
    expected = network()(image)
    assert torch.equal(put_together(output_slabs(image, network(), inferer=inferer), expected), expected)


def test_only_as_many_planes_as_a_window_is_long_are_kept() -> None:
    sizes = []
    make, window = torch.zeros, SlidingWindowInferer((8, 8, 8), 1, 0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "zeros", lambda *size, **kw: sizes.append(size) or make(*size, **kw))
        for _ in window_slabs(torch.randn(1, 1, 64, 9, 10), network(5), window=window):
            pass
    assert max(torch.Size(size).numel() for size in sizes) == 8 * 5 * 9 * 10


@pytest.mark.parametrize(
    ("images", "window", "text"),
    [
        (torch.zeros(2, 1, 8, 8, 8), SlidingWindowInferer((8, 8, 8)), "expected one image, got 2"),
        (torch.zeros(1, 1, 8, 8, 8), SlidingWindowInferer((8, 8, 8), with_coord=True), "with_coord=True"),
    ],
)
def test_what_cannot_be_honoured_is_refused(images: Tensor, window: SlidingWindowInferer, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        list(window_slabs(images, network(), window=window))


@pytest.mark.parametrize("inferer", [None, SlidingWindowInferer((8, 8, 8))])
def test_an_output_of_another_size_is_refused(inferer: SlidingWindowInferer | None) -> None:
    with pytest.raises(ValueError, match="expected one output voxel per input voxel"):
        list(output_slabs(torch.zeros(1, 1, 8, 8, 8), nn.AvgPool3d(2), inferer=inferer))


def test_one_piece_equals_windows_away_from_their_borders() -> None:
    torch.manual_seed(0)
    network = torch.nn.Conv3d(1, 3, 3, padding=1)
    image = torch.randn(1, 1, 24, 32, 24)
    shape = tuple(image.shape[2:])
    window = SlidingWindowInferer((16, 16, 16), 2, 0.5, mode="gaussian")
    with torch.no_grad():
        whole, windowed = (
            slab_labels(output_slabs(image, network, inferer=one), shape, rule=lambda x: x.argmax(0, keepdim=True))
            for one in (None, window)
        )
    inside = torch.stack(torch.meshgrid(*(torch.arange(n) % 8 for n in shape), indexing="ij"))
    far = ((inside > 0) & (inside < 7)).all(0)[None]  # a window begins at every eighth voxel
    assert torch.equal(whole[far], windowed[far])
    assert not torch.equal(whole, windowed)
