"""A labelled CT as further people: where its organs come to lie, how bright they are, however it is stored."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.processing import resample_from_to

from iunet_med.datasets.problems import DatasetError
from iunet_med.datasets.simulation.torso import ORGAN_VALUES, SimulatedCt, simulate_ct, simulate_cts, write_ct_msd
from iunet_med.datasets.simulation.torso.real import LabelledScan, list_scans, load_scan, vary
from iunet_med.datasets.simulation.torso.shapes import turn

SPACING_MM = 5.0


@pytest.fixture(scope="module")
def torso() -> SimulatedCt:
    return simulate_ct(2, spacing_mm=SPACING_MM)


def loaded(folder: Path, case: SimulatedCt) -> LabelledScan:
    write_ct_msd(folder, [case])
    return load_scan(list_scans(folder)[0])


def stored_otherwise(case: SimulatedCt, axes: str) -> SimulatedCt:
    turn = nib.orientations.ornt_transform(
        nib.orientations.io_orientation(case.affine), nib.orientations.axcodes2ornt(axes)
    )
    image, label = (nib.orientations.apply_orientation(a, turn) for a in (case.image, case.label))
    affine = case.affine @ nib.orientations.inv_ornt_aff(turn, case.image.shape)
    return SimulatedCt(np.ascontiguousarray(image), np.ascontiguousarray(label), affine, case.phase)


def middles(case: SimulatedCt, organs: Iterable[str]) -> dict[str, np.ndarray]:
    found = {organ: np.argwhere(case.label == ORGAN_VALUES[organ]).mean(0) for organ in organs}
    return {organ: nib.affines.apply_affine(case.affine, middle) for organ, middle in found.items()}


def test_a_varied_scan_has_its_organs_in_place_and_each_seed_makes_another_one(
    torso: SimulatedCt, tmp_path: Path
) -> None:
    scan = loaded(tmp_path, torso)
    cases = [vary(scan, np.random.default_rng(seed), spacing_mm=SPACING_MM) for seed in (0, 1, 1)]
    for case in cases[:2]:
        middle = middles(case, ("liver", "spleen", "vertebrae", "aorta"))
        assert middle["liver"][0] > middle["aorta"][0] > middle["spleen"][0]
        assert middle["liver"][1] > middle["vertebrae"][1]
        np.testing.assert_allclose(np.linalg.norm(case.affine[:3, :3], axis=0), SPACING_MM)
        assert case.image.dtype == np.int16
        assert case.image.shape == case.label.shape
    assert cases[0].image.shape != cases[1].image.shape or (cases[0].image != cases[1].image).any()
    np.testing.assert_array_equal(cases[1].image, cases[2].image)
    np.testing.assert_array_equal(cases[1].label, cases[2].label)


@pytest.mark.parametrize("axes", ["LPS", "SAR", "PIL"])
def test_how_a_scan_is_stored_makes_no_difference(torso: SimulatedCt, tmp_path: Path, axes: str) -> None:
    one, other = loaded(tmp_path / "a", torso), loaded(tmp_path / "b", stored_otherwise(torso, axes))
    expected, found = (vary(scan, np.random.default_rng(4), spacing_mm=SPACING_MM) for scan in (one, other))
    np.testing.assert_allclose(found.affine, expected.affine, atol=1e-4)
    assert (found.label != expected.label).mean() < 1e-3
    assert np.abs(found.image.astype(int) - expected.image).mean() < 0.5


def test_an_oblique_scan_of_uneven_voxels_keeps_its_organs_where_they_lie_in_millimetres(
    torso: SimulatedCt, tmp_path: Path
) -> None:
    straight = stored_otherwise(torso, "LAS")
    shape = tuple(int(1.2 * n) for n in straight.image.shape)
    to_ras = np.diag([-4.5, 5.0, 6.0, 1.0])
    to_ras[:3, :3] = turn(8, -6, 10) @ to_ras[:3, :3]
    centre = nib.affines.apply_affine(straight.affine, (np.array(straight.image.shape) - 1) / 2)
    to_ras[:3, 3] = centre - to_ras[:3, :3] @ ((np.array(shape) - 1) / 2)
    image, label = (
        np.asarray(resample_from_to(nib.Nifti1Image(a, straight.affine), (shape, to_ras), order=n, cval=c).dataobj)
        for a, n, c in ((straight.image, 1, -1024), (straight.label, 0, 0))
    )
    oblique = SimulatedCt(image.astype(np.int16), label.astype(np.uint8), to_ras, torso.phase)
    cases = [
        vary(loaded(tmp_path / name, one), np.random.default_rng(4), spacing_mm=SPACING_MM)
        for name, one in (("a", torso), ("b", oblique))
    ]
    organs = ("liver", "spleen", "kidney_right", "aorta")
    expected, found = (middles(case, organs) for case in cases)
    offsets = [found[organ] - expected[organ] for organ in organs]
    assert np.ptp(offsets, axis=0).max() < 5


def test_an_organ_takes_the_brightness_of_the_drawn_phase_and_gas_stays(torso: SimulatedCt, tmp_path: Path) -> None:
    scan = loaded(tmp_path, torso)
    liver, lung = {}, []
    for seed in range(8):
        case = vary(scan, np.random.default_rng(seed), spacing_mm=SPACING_MM)
        liver.setdefault(case.phase, []).append(np.median(case.image[case.label == ORGAN_VALUES["liver"]]))
        lung.append(np.median(case.image[case.label == ORGAN_VALUES["lung_right"]]))
    assert min(liver["portal"]) > max(liver["native"])
    assert np.ptp(lung) < 60


def test_a_thinner_grid_is_read_in_millimetres(torso: SimulatedCt, tmp_path: Path) -> None:
    twice = np.diag([0.5, 1.0, 1.0, 1.0])
    finer = replace(
        torso, image=np.repeat(torso.image, 2, 0), label=np.repeat(torso.label, 2, 0), affine=torso.affine @ twice
    )
    one, other = loaded(tmp_path / "a", torso), loaded(tmp_path / "b", finer)
    np.testing.assert_allclose(other.extent_mm[1:], one.extent_mm[1:])
    volumes = []
    for scan in (one, other):
        case = vary(scan, np.random.default_rng(3), spacing_mm=SPACING_MM)
        volumes.append(np.count_nonzero(case.label == ORGAN_VALUES["liver"]))
    assert volumes[1] == pytest.approx(volumes[0], rel=0.02)


def test_half_of_the_cases_are_made_from_the_given_scans(torso: SimulatedCt, tmp_path: Path) -> None:
    write_ct_msd(tmp_path, [torso])
    plain = [simulate_ct(seed, spacing_mm=6.0) for seed in range(6)]
    mixed = list(simulate_cts(range(6), spacing_mm=6.0, scans=tmp_path))
    same = [a.image.shape == b.image.shape and (a.image == b.image).all() for a, b in zip(plain, mixed, strict=True)]
    assert 0 < sum(same) < 6


def test_a_data_set_without_all_organs_is_refused(torso: SimulatedCt, tmp_path: Path) -> None:
    description = write_ct_msd(tmp_path, [torso])
    description.write_text(description.read_text().replace('"spleen"', '"milt"'))
    with pytest.raises(DatasetError, match="spleen"):
        list_scans(tmp_path)
