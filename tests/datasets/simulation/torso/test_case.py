"""What any simulated CT has to be, and what a few of them show."""

import nibabel as nib
import numpy as np
import pytest

from iunet_med.checks.volume import check_volume
from iunet_med.datasets.simulation.torso import ORGAN_VALUES, SimulatedCt, simulate_ct, simulate_cts

SEEDS = (2, 7, 11)
"""A whole torso without contrast medium, an abdomen in the delayed phase, and another one."""


@pytest.fixture(scope="module")
def cases() -> list[SimulatedCt]:
    return list(simulate_cts(SEEDS, spacing_mm=5.0))


def in_ras(array: np.ndarray, affine: np.ndarray) -> np.ndarray:
    return np.asarray(nib.as_closest_canonical(nib.Nifti1Image(array, affine)).dataobj)


def test_same_seed_same_bytes_and_global_state_untouched(cases: list[SimulatedCt]) -> None:
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    again = simulate_ct(SEEDS[1], spacing_mm=5.0)
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002
    assert again.image.tobytes() == cases[1].image.tobytes()
    assert again.label.tobytes() == cases[1].label.tobytes()


def test_images_pass_the_checks_of_a_ct(cases: list[SimulatedCt]) -> None:
    for case in cases:
        assert case.image.dtype == np.int16
        assert case.label.dtype == np.uint8
        assert case.image.shape == case.label.shape
        assert [f for f in check_volume(case.image, case.affine, modality="CT") if f.level == "refusal"] == []
        np.testing.assert_allclose(np.linalg.norm(case.affine[:3, :3], axis=0), 5.0)


def test_organs_have_their_place_and_their_hounsfield_units(cases: list[SimulatedCt]) -> None:
    for case in cases:
        image, label = in_ras(case.image, case.affine), in_ras(case.label, case.affine)
        where = {name: np.argwhere(label == value) for name, value in ORGAN_VALUES.items()}
        middle = {name: points.mean(0) for name, points in where.items() if len(points) > 3}
        assert middle["liver"][0] > middle["spleen"][0]  # the patient's right, where x grows
        assert middle["kidney_right"][0] > middle["aorta"][0] > middle["kidney_left"][0]
        assert middle["liver"][1] > middle["vertebrae"][1]  # in front of the spine
        assert middle["lung_right"][2] > middle["kidney_right"][2]
        values = {name: float(np.median(image[label == ORGAN_VALUES[name]])) for name in middle}
        assert -950 < values["lung_right"] < -600
        assert 0 < values["liver"] < 160
        assert -20 < values["autochthon"] < 90
        assert values["vertebrae"] > values["liver"]


def test_contrast_medium_shows_in_the_aorta(cases: list[SimulatedCt]) -> None:
    aorta = {case.phase: np.median(case.image[case.label == ORGAN_VALUES["aorta"]]) for case in cases}
    assert aorta["native"] < 70
    assert aorta["delayed"] > 70


def test_volumes_are_those_of_adults() -> None:
    """Of the organs that lie in the image as a whole: liver 1500 ml, spleen 200, kidneys 150 on average."""
    labels = [simulate_ct(seed, spacing_mm=6.0).label for seed in (100, 101, 103, 104)]
    for name, low, high in (("liver", 700, 3000), ("spleen", 30, 700), ("kidney_left", 40, 400)):
        volumes = [np.count_nonzero(label == ORGAN_VALUES[name]) * 6.0**3 / 1000 for label in labels]
        assert low < np.median(volumes) < high, name


@pytest.mark.parametrize("spacing", [0.5, 7.0])
def test_unusable_voxel_size_is_refused(spacing: float) -> None:
    with pytest.raises(ValueError, match=rf"spacing_mm is {spacing}, .* voxels of 1 to 6 mm"):
        simulate_ct(0, spacing_mm=spacing)


def test_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="seed is -1, but it must not be negative"):
        simulate_ct(-1)
