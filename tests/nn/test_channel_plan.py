from ast import literal_eval
from itertools import product

import pytest

from iunet_med.nn import ChannelPlan


def test_plan_of_the_paper_sends_half_of_the_channels_down() -> None:
    plan = ChannelPlan.of(2, (64, 128, 256, 512, 1024), 2)
    assert plan.sent == plan.kept == (32, 64, 128, 256)
    assert plan.reach == (16, 16)


def test_anisotropic_strides_are_spelt_out() -> None:
    plan = ChannelPlan.of(3, (16, 32, 64), [(1, 2, 2), 2])
    assert plan.strides == ((1, 2, 2), (2, 2, 2))
    assert plan.sent == (8, 8)
    assert plan.reach == (2, 4, 4)


def test_a_single_level_has_a_reach_of_one_voxel() -> None:
    assert ChannelPlan.of(3, (8,), 2).reach == (1, 1, 1)


@pytest.mark.parametrize(
    ("channels", "nearest"),
    [((16, 20), (16, 16)), ((15, 32), (14, 32)), ((2, 64), (8, 64)), ((30, 63, 129), (30, 64, 128))],
)
def test_impossible_plan_names_the_nearest_one(channels: tuple[int, ...], nearest: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"The nearest possible plan is channels=") as error:
        ChannelPlan.of(3, channels, 2)
    assert str(nearest) in str(error.value)
    assert ChannelPlan.of(3, nearest, 2).channels == nearest


def test_nearest_plan_is_nearest_among_all() -> None:
    asked = (3, 17)
    possible = [(a, b) for a, b in product(range(2, 40, 2), range(2, 40, 2)) if b % 4 == 0 and b <= 4 * a]
    best = min(abs(a - asked[0]) + abs(b - asked[1]) for a, b in possible)
    with pytest.raises(ValueError, match="nearest possible plan") as error:
        ChannelPlan.of(2, asked, 2)
    nearest = literal_eval(str(error.value).rsplit("channels=", 1)[1].rstrip("."))
    assert sum(abs(a - b) for a, b in zip(nearest, asked, strict=True)) == best


@pytest.mark.parametrize(
    ("strides", "message"),
    [
        ([2], "one stride between two levels"),
        ([(2, 2), (2, 2)], r"strides=\(\(2, 2\), \(2, 2\)\): expected 3 lengths each"),
        (0, "expected lengths of at least 1"),
    ],
)
def test_wrong_strides_are_refused(strides, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ChannelPlan.of(3, (16, 32, 64), strides)
