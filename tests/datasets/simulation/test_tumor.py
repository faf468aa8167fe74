import numpy as np
import pytest

from iunet_med.datasets.simulation.anatomy import Tissues, individual, jacobian, sample_tissues
from iunet_med.datasets.simulation.fields import Grid
from iunet_med.datasets.simulation.tumor import (
    EDEMA,
    ENHANCING,
    NECROSIS,
    Tumor,
    TumorPlan,
    grow_tumor,
    mass_effect,
    plan_tumor,
)

GRID = Grid(4.0)


@pytest.fixture(scope="module")
def tissues() -> Tissues:
    displacement, build = individual(np.random.default_rng(0), GRID)
    return sample_tissues(displacement, build, GRID)


@pytest.fixture(scope="module", params=range(4))
def grown(request: pytest.FixtureRequest, tissues: Tissues) -> tuple[TumorPlan, Tumor]:
    rng = np.random.default_rng(request.param)
    plan = plan_tumor(rng, tissues, GRID)
    return plan, grow_tumor(rng, plan, tissues, GRID)


def test_volumes_are_the_planned_ones(grown: tuple[TumorPlan, Tumor]) -> None:
    plan, tumor = grown
    assert np.isin([NECROSIS, EDEMA, ENHANCING], tumor.label).all()
    assert (tumor.label == NECROSIS).sum() == GRID.count(plan.necrosis_ml)
    assert np.isin(tumor.label, [NECROSIS, ENHANCING]).sum() == GRID.count(plan.core_ml)
    assert (tumor.label > 0).sum() == pytest.approx(GRID.count(plan.whole_ml), rel=0.01)


def test_tumor_lies_in_the_brain(grown: tuple[TumorPlan, Tumor], tissues: Tissues) -> None:
    assert tissues.mask[grown[1].label > 0].all()


def test_fractions_agree_with_the_label(grown: tuple[TumorPlan, Tumor]) -> None:
    _, tumor = grown
    core = tumor.necrosis + tumor.enhancing
    assert min(tumor.necrosis.min(), tumor.enhancing.min()) >= 0
    assert core.max() <= 1
    np.testing.assert_array_equal(core > 0.5, np.isin(tumor.label, [NECROSIS, ENHANCING]))
    np.testing.assert_array_equal(tumor.necrosis > 0.5, tumor.label == NECROSIS)


def test_necrosis_lies_inside_the_enhancing_rim(grown: tuple[TumorPlan, Tumor]) -> None:
    label = np.pad(grown[1].label, 1)
    neighbours = np.concatenate(
        [np.roll(label, shift, axis)[label == NECROSIS] for axis in range(3) for shift in (-1, 1)]
    )
    assert np.isin(neighbours, [NECROSIS, ENHANCING]).mean() > 0.75


def test_edema_follows_white_matter(grown: tuple[TumorPlan, Tumor], tissues: Tissues) -> None:
    edema = grown[1].label == EDEMA
    assert tissues.wm[edema].mean() > 1.3 * tissues.wm[tissues.mask].mean()
    assert tissues.csf[edema].mean() < 0.5 * tissues.csf[tissues.mask].mean()


def test_mass_effect_points_outwards_and_stops_at_the_skull(tissues: Tissues) -> None:
    plan = plan_tumor(np.random.default_rng(0), tissues, GRID)
    displacement = mass_effect(plan, tissues, GRID)
    inwards = sum(d * (a - c) for d, a, c in zip(displacement, GRID.axes(), plan.centre_mm, strict=True))
    assert inwards.max() <= 0
    assert np.abs(displacement).max() > 1  # mm
    assert np.abs(displacement[:, ~tissues.mask]).max() == 0
    assert jacobian(displacement, GRID).min() > 0
