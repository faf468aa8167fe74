"""Each check is triggered by the smallest image that deserves it, and silent on good ones."""

import os
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from iunet_med.checks.header import check_nifti_header
from iunet_med.checks.volume import check_volume

GRID = np.diag([-5.0, 5, 5, 1])
SHAPE = (12, 14, 10)
SHARED_DATA = Path(os.environ.get("IUNET_MED_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"no real volumes in {SHARED_DATA}; IUNET_MED_SHARED_DATA names their folder"
)


def head(dtype: type = np.float32) -> np.ndarray:
    """A box of noise with zeros around, as a skull-stripped head."""
    image = np.zeros(SHAPE, dtype)
    image[3:9, 3:9, 2:8] = np.random.default_rng(0).integers(50, 99, (6, 6, 6))
    return image


def hot(value: float) -> np.ndarray:
    """The head with one voxel of `value`."""
    image = head()
    image[5, 5, 5] = value
    return image


def torso(dtype: type = np.int16) -> np.ndarray:
    return (head() * 11 - 1000).astype(dtype)


def checks(array: np.ndarray, affine: np.ndarray = GRID, **kind: object) -> list[tuple[str, str]]:
    return [(finding.level, finding.check) for finding in check_volume(array, affine, **{"modality": None, **kind})]


def test_good_volumes_are_silent() -> None:
    assert checks(head(), modality="MR", zero_background=True) == []
    assert checks(head(np.uint8), modality="MR", zero_background=True) == []
    assert checks(torso(), modality="CT") == []
    assert checks(np.stack([head()] * 4, axis=-1), modality="MR", channels=4, zero_background=True) == []


@pytest.mark.parametrize(
    ("affine", "found"),
    [
        (np.zeros((4, 4)), [("refusal", "affine")]),
        (np.diag([np.nan, 1, 1, 1]), [("refusal", "affine")]),
        (np.diag([0.005, 0.005, 0.005, 1]), [("refusal", "physical-size")]),
        (np.diag([5000.0, 5000, 5000, 1]), [("refusal", "physical-size")]),
        (np.diag([5.0, 5, 12, 1]), [("warning", "spacing")]),
        (np.diag([5.0, 5, 0.9, 1]), [("warning", "thin")]),
    ],
)
def test_grid(affine: np.ndarray, found: list[tuple[str, str]]) -> None:
    assert checks(head(), affine) == found


@pytest.mark.parametrize(
    ("array", "kind", "found"),
    [
        (head()[..., None].repeat(3, -1), {"channels": 4}, "channels"),
        (head(), {"channels": 4}, "channels"),
        (head()[0], {}, "channels"),
        (np.zeros((4, 0, 4)), {}, "empty-image"),
        (head().astype(np.complex64), {}, "not-numbers"),
        (np.where(np.arange(10) == 3, np.nan, head()), {}, "not-finite"),
        (np.where(np.arange(10) == 3, np.inf, head()), {}, "not-finite"),
        (np.where(np.arange(10) == 3, 1e39, head().astype(np.float64)), {}, "not-finite"),
        (np.where(np.arange(10) == 3, -1e300, head().astype(np.float64)), {}, "not-finite"),
        (np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")]), {}, "not-numbers"),
        (head().astype(np.float64) * 1e-60, {}, "constant-image"),
        (head() * np.float32(1e30), {}, "scale"),
        (head() * np.float32(1e-30), {}, "scale"),
        (-1 - head(), {"zero_background": True}, "below-zero"),
        (np.full(SHAPE, 7), {}, "constant-image"),
        (head(), {"modality": "CT"}, "not-hu"),
        (np.stack([head(), 0 * head()], axis=-1), {"channels": 2}, "constant-image"),
    ],
)
def test_refused_voxels(array: np.ndarray, kind: dict[str, object], found: str) -> None:
    assert checks(array, **kind) == [("refusal", found)]


@pytest.mark.parametrize(
    ("array", "kind", "found"),
    [
        (head() - 100, {"modality": "CT"}, "no-air"),
        (torso(np.float32) * 50, {"modality": "CT"}, "beyond-hu"),
        (head() + 1, {"zero_background": True}, "background"),
        (hot(1e6), {}, "outlier"),
        (hot(1e30), {"modality": "MR"}, "outlier"),
        (hot(-1e9), {"modality": "MR", "zero_background": True}, "outlier"),
        (np.where(head() > 80, 255, head()).astype(np.uint8), {}, "saturated"),
        (np.where(head() > 0, head(), -32768).astype(np.int16), {}, "saturated"),
    ],
)
def test_doubtful_voxels(array: np.ndarray, kind: dict[str, object], found: str) -> None:
    assert checks(array, **kind) == [("warning", found)]


def test_unusual_types_and_scales_are_silent() -> None:
    for image in (head() > 80, head(np.int64) * 2**30, head() * 1e-12, head(np.float16)):
        assert checks(image, modality="MR", zero_background=True) == []


def test_outliers_are_counted_with_the_usual_range() -> None:
    (finding,) = check_volume(hot(1e6), GRID, modality="MR")
    assert finding.message.startswith("the image has 1 voxels far beyond the others, down to 0 and up to 1e+06, while")


def test_head_with_its_skull() -> None:
    assert checks(head(), GRID * 4.3, zero_background=True) == [("warning", "spacing")]  # 2147 ml
    (finding, _) = check_volume(head(), GRID * 4.4, modality="MR", zero_background=True)[::-1]
    assert "0 of its 8 corners and in 2300 ml; expected a skull-stripped head" in finding.message


def test_many_voxels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iunet_med.checks.volume.MANY_VOXELS", 1679)
    (finding,) = check_volume(head(), GRID, modality=None)
    assert (finding.level, finding.check) == ("warning", "many-voxels")
    assert "1,680 voxels; usual: up to 1,679" in finding.message


def test_messages_say_what_came_what_is_needed_and_the_cure() -> None:
    (finding,) = check_volume(head(), GRID, modality="CT")
    assert finding.message == (
        "the image has values from 0 to 98; expected HU, where air is near -1000; these look like stored or windowed "
        "values: apply the rescale slope and intercept, and no window."
    )


def test_no_copy_of_the_volume() -> None:
    volume = np.asfortranarray(np.random.default_rng(0).integers(-1000, 1000, (128, 128, 64), dtype=np.int16))
    tracemalloc.start()
    assert checks(volume, modality="CT") == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < volume.nbytes / 10


@needs_data
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ms/patient07/T1.nii.gz", {"modality": "MR", "zero_background": True}),
        ("ms/patient07/FLAIR.nii.gz", {"modality": "MR", "zero_background": True}),
        ("ms/patient19/T2.nii.gz", {"modality": "MR", "zero_background": True}),
        ("ct/torso_3mm.nii.gz", {"modality": "CT"}),
    ],
)
def test_silent_on_real_volumes(name: str, kind: dict[str, object]) -> None:
    image = nib.load(SHARED_DATA / name)
    assert check_nifti_header(image.header) == []
    assert check_volume(np.asarray(image.dataobj), image.affine, **kind) == []


@pytest.mark.parametrize(("share", "found"), [(5e-4, []), (5e-3, [("warning", "saturated")])])
def test_a_vessel_may_be_at_the_limit_of_its_type_but_not_tissue(share: float, found: list[tuple[str, str]]) -> None:
    array = np.clip(head(), 0, 200).astype(np.uint8)
    array.reshape(-1)[np.flatnonzero(array)[: round(share * array.size)]] = 255
    assert [one for one in checks(array) if one[1] == "saturated"] == found
