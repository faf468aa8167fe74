import numpy as np
import pytest

from iunet_med.datasets.simulation import SimulatedCase, simulate_case, simulate_cases


def test_same_seed_same_bytes_and_global_state_untouched(case: SimulatedCase) -> None:
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    again = simulate_case(3, spacing_mm=4.0)
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002
    assert again.label.tobytes() == case.label.tobytes()
    assert {n: i.tobytes() for n, i in again.images.items()} == {n: i.tobytes() for n, i in case.images.items()}


def test_other_seed_other_patient(case: SimulatedCase) -> None:
    other = simulate_case(4, spacing_mm=4.0)
    assert ((other.images["t1"] > 0) ^ (case.images["t1"] > 0)).any()
    assert (other.label != case.label).any()


def test_other_voxel_size_same_patient(case: SimulatedCase) -> None:
    fine = simulate_case(3, spacing_mm=2.0)
    coarse_of_fine = (fine.label.reshape(44, 2, 54, 2, 46, 2) > 0).mean(axis=(1, 3, 5)) > 0.5
    whole = case.label > 0
    assert 2 * (coarse_of_fine & whole).sum() / (coarse_of_fine.sum() + whole.sum()) > 0.8


def test_contract(case: SimulatedCase) -> None:
    assert list(case.images) == ["t1", "t1c", "t2", "flair"]
    assert {image.dtype for image in case.images.values()} == {np.dtype(np.float32)}
    assert case.label.dtype == np.uint8
    assert set(np.unique(case.label)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(np.diag(case.affine), [4, 4, 4, 1])
    brain = case.images["t1"] > 0
    assert all(np.array_equal(image > 0, brain) for image in case.images.values())
    assert brain[case.label > 0].all()
    assert not any(brain.take(edge, axis).any() for axis in range(3) for edge in (0, -1))


def test_cases_come_one_by_one() -> None:
    cases = simulate_cases(iter([3, -1]), spacing_mm=4.0)
    next(cases)
    with pytest.raises(ValueError, match="seed is -1, but it must not be negative"):
        next(cases)


@pytest.mark.parametrize("spacing", [0.5, 5.0])
def test_unusable_voxel_size_is_refused(spacing: float) -> None:
    with pytest.raises(ValueError, match=rf"spacing_mm is {spacing}, .* voxels of 1 to 4 mm"):
        simulate_case(0, spacing_mm=spacing)
