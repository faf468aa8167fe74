"""Sizes as people write them, and what of a card is left for tensors."""

import pytest

from iunet_med.planning.budget import GIB, Budget, parse_memory


@pytest.mark.parametrize(
    ("text", "size"), [("24GB", 24 * GIB), ("8 GiB", 8 * GIB), ("1.5g", 3 * GIB // 2), ("512MB", GIB // 2)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "GB", "24XB", "-3GB", "0GB", "24GB!"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a size such as 24GB"):
        parse_memory(text)


def test_a_gpu_leaves_less_and_the_way_back_is_the_same() -> None:
    card, memory = Budget(24 * GIB, on_gpu=True), Budget(24 * GIB, on_gpu=False)
    assert card.tensors == int(23.5 * GIB * 0.9)
    assert memory.tensors == memory.for_tensors(24 * GIB) == 24 * GIB
    assert card.for_tensors(card.tensors) == pytest.approx(24 * GIB, abs=2)
