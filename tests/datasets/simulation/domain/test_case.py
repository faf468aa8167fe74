"""The widened world: same seed same bytes, labels nested in the brain, every kind of tumour, other anatomies."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.datasets.simulation.anatomy import load_template
from iunet_med.datasets.simulation.domain import simulate_domain_random
from iunet_med.datasets.simulation.writers import write_image

MILLIMETRES = 4.0


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the template as a label map in FreeSurfer's numbers, turned to LIA and moved off the centre."""
    template = load_template()
    labels = np.select([template.wm > 0.5, template.gm > 0.5, template.brain > 0.5], [2, 42, 24], 0).astype(np.int16)
    affine = template.affine.copy()
    affine[:3, 3] += [13, -20, 7]
    image = nib.Nifti1Image(labels, affine)
    turned = image.as_reoriented(
        nib.orientations.ornt_transform(nib.io_orientation(affine), nib.orientations.axcodes2ornt("LIA"))
    )
    folder = tmp_path_factory.mktemp("labels")
    nib.save(turned, folder / "one.nii.gz")
    return folder


def test_same_seed_same_bytes() -> None:
    one, again = (next(simulate_domain_random([7], spacing_mm=MILLIMETRES)) for _ in range(2))
    assert one.label.tobytes() == again.label.tobytes()
    assert {n: i.tobytes() for n, i in one.images.items()} == {n: i.tobytes() for n, i in again.images.items()}


def test_contract_and_variety() -> None:
    cases = list(simulate_domain_random(range(24), spacing_mm=MILLIMETRES))
    for case in cases:
        assert list(case.images) == ["t1", "t1c", "t2", "flair"]
        brain = np.stack([image != 0 for image in case.images.values()])
        assert brain.any(0)[case.label > 0].all()
        assert all(np.isfinite(image).all() and image.min() >= 0 for image in case.images.values())
    kinds = {tuple(np.unique(case.label)) for case in cases}
    assert (0,) in kinds
    assert (0, 1, 2) in kinds
    assert (0, 1, 2, 3) in kinds
    contrast = [np.median(case.images["flair"][case.label == 2]) for case in cases if (case.label == 2).any()]
    assert np.std(np.log(contrast)) > 0.3  # scanners' units differ


def test_label_maps_give_brains_in_the_template_s_place(head: Path) -> None:
    cases = list(simulate_domain_random(range(4), spacing_mm=MILLIMETRES, anatomies=head))
    for case in cases:
        brain = case.images["t1"] > 0
        litres = brain.sum() * MILLIMETRES**3 / 1e6
        assert 1.0 < litres < 2.6
        assert not any(brain.take(edge, axis).any() for axis in range(3) for edge in (0, -1))


def test_real_heads_keep_their_own_look(tmp_path: Path) -> None:
    healthy = next(simulate_domain_random([6], spacing_mm=MILLIMETRES))
    assert not healthy.label.any()
    for name, image in healthy.images.items():
        write_image(tmp_path / "head" / f"{name}.nii.gz", image, healthy.affine)
    painted = [c for c in simulate_domain_random(range(12), spacing_mm=MILLIMETRES, scans=tmp_path) if c.label.any()]
    assert painted


def test_bad_anatomies_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"expected label maps .* found none"):
        next(simulate_domain_random([0], anatomies=tmp_path))
    write_image(tmp_path / "few.nii.gz", np.full((8, 8, 8), 2, np.uint8), np.eye(4))
    with pytest.raises(ValueError, match=r"few.nii.gz: expected a whole brain in FreeSurfer's numbers"):
        list(simulate_domain_random(range(5), spacing_mm=MILLIMETRES, anatomies=tmp_path))
