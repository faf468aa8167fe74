import numpy as np
import pytest

from iunet_med.datasets.simulation.anatomy import Tissues, individual, sample_tissues
from iunet_med.datasets.simulation.contrast import (
    RELAXATION,
    Relaxation,
    acquire,
    flair,
    spin_echo,
    spoiled_gradient_echo,
)
from iunet_med.datasets.simulation.fields import Grid, Volume
from iunet_med.datasets.simulation.tumor import EDEMA, ENHANCING, NECROSIS, Tumor, grow_tumor, plan_tumor

GRID = Grid(4.0)


def test_signal_equations_at_known_points() -> None:
    tissue = Relaxation(t1=1000, t2=100, density=0.5)
    assert spin_echo(tissue, tr=1e9, te=100 * np.log(2)) == pytest.approx(0.25)
    assert flair(tissue, tr=1e9, te=0, ti=1000 * np.log(2)) == pytest.approx(0, abs=1e-12)
    assert spoiled_gradient_echo(tissue, tr=1000 * np.log(2), flip=np.pi / 2) == pytest.approx(0.25)


def test_gadolinium_acts_as_a_shorter_t1() -> None:
    plain, short = RELAXATION["enhancing"], RELAXATION["enhancing"]._replace(t1=1 / (1 / 1450 + 4.5e-3 * 0.2))
    with_agent = spoiled_gradient_echo(plain, tr=15, flip=0.5, gadolinium=0.2)
    assert with_agent == pytest.approx(spoiled_gradient_echo(short, tr=15, flip=0.5))


@pytest.fixture(scope="module", params=range(3))
def session(request: pytest.FixtureRequest) -> tuple[Tissues, Tumor, dict[str, Volume]]:
    rng = np.random.default_rng(request.param)
    displacement, build = individual(rng, GRID)
    tissues = sample_tissues(displacement, build, GRID)
    tumor = grow_tumor(rng, plan_tumor(rng, tissues, GRID), tissues, GRID)
    return tissues, tumor, acquire(rng, tissues, tumor, GRID)


def test_contrasts_are_those_of_the_modality(session: tuple[Tissues, Tumor, dict[str, Volume]]) -> None:
    tissues, tumor, images = session
    healthy = tissues.mask & (tumor.label == 0) & (tumor.edema == 0)
    regions = {
        "wm": healthy & (tissues.wm > 0.9),
        "gm": healthy & (tissues.gm > 0.85),
        "csf": healthy & (tissues.csf > 0.8),
        "NCR": tumor.label == NECROSIS,
        "ED": tumor.label == EDEMA,
        "ET": tumor.label == ENHANCING,
    }
    median = {
        name: {r: float(np.median(image[where])) for r, where in regions.items()} for name, image in images.items()
    }
    t1, t1c, t2, dark_fluid = (median[name] for name in ("t1", "t1c", "t2", "flair"))
    assert t1["wm"] > t1["gm"] > t1["csf"]
    assert t1["wm"] > t1["ED"]
    assert t1c["ET"] / t1c["wm"] > 1.2 * t1["ET"] / t1["wm"]
    assert t1c["ET"] > t1c["NCR"]
    assert t2["csf"] == max(t2.values())
    assert t2["gm"] > t2["wm"]
    assert dark_fluid["csf"] == min(dark_fluid.values())
    assert dark_fluid["ED"] > 1.15 * dark_fluid["wm"]


def test_background_is_zero(session: tuple[Tissues, Tumor, dict[str, Volume]]) -> None:
    tissues, _, images = session
    for image in images.values():
        assert not image[~tissues.mask].any()
        assert (image[tissues.mask] > 0).all()
