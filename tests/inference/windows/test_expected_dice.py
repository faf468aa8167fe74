"""The expected Dice is that of truths drawn by the probabilities, and 1 where these are certain."""

import math

import pytest
import torch

from iunet_med.checks.prediction import check_certainty
from iunet_med.inference.windows.expected_dice import ExpectedDice


def expected(*slabs: torch.Tensor) -> list[float]:
    collected = ExpectedDice()
    for slab in slabs:
        collected.add(slab)
    return collected.values()


def test_it_is_the_mean_dice_of_truths_that_the_probabilities_allow() -> None:
    torch.manual_seed(0)
    probabilities = torch.sigmoid(3 * torch.randn(1, 20, 20, 20) - 1)
    labels = probabilities > 0.5
    drawn = [torch.rand_like(probabilities) < probabilities for _ in range(200)]
    dice = torch.stack([2 * (labels & truth).sum() / (labels.sum() + truth.sum()) for truth in drawn]).mean()
    assert expected(probabilities)[0] == pytest.approx(float(dice), abs=0.01)


def test_slabs_add_up_and_nothing_found_is_nan() -> None:
    torch.manual_seed(0)
    whole = torch.rand(2, 6, 4, 4)
    whole[1] *= 0.5
    together = expected(whole)
    apart = expected(whole[:, :2], whole[:, 2:])
    assert apart[0] == pytest.approx(together[0])
    assert math.isnan(together[1])
    assert expected(torch.ones(1, 2, 2, 2)) == [1.0]
    assert ExpectedDice().values() == []


def test_doubt_is_told_by_region() -> None:
    assert check_certainty({"WT": 0.9, "TC": math.nan}) == []
    (finding,) = check_certainty({"WT": 0.9, "TC": 0.6, "ET": 0.7})
    assert finding.check == "unsure"
    assert "TC (expected Dice 0.60), ET (expected Dice 0.70)" in finding.message
