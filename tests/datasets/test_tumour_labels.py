"""The names that data sets give to the parts of a tumour are known, whichever values they have."""

import pytest

from iunet_med.datasets.tumour_labels import part_of, tumour_regions

MSD = {"ET": (3,), "TC": (2, 3), "WT": (1, 2, 3)}


@pytest.mark.parametrize(
    ("labels", "regions"),
    [
        ({"edema": (1,), "non-enhancing tumor": (2,), "enhancing tumour": (3,)}, MSD),
        ({"whole tumor": (1, 2, 3), "tumor core": (2, 3), "enhancing tumor": (3,)}, MSD),
        ({"NCR": (1,), "ED": (2,), "ET": (3,)}, {"ET": (3,), "TC": (1, 3), "WT": (1, 2, 3)}),
        ({"NETC": (1,), "SNFH": (2,), "ET": (3,), "RC": (4,)}, {"ET": (3,), "TC": (1, 3), "WT": (1, 2, 3), "RC": (4,)}),
        ({"edema": (1,), "tumour": (2,)}, None),
        ({"edema": (1,), "oedema 2": (2,), "ET": (3,)}, None),
    ],
)
def test_regions_follow_names(labels: dict[str, tuple[int, ...]], regions: object) -> None:
    found = tumour_regions(labels)
    assert found == regions
    assert found is None or list(found)[:3] == ["ET", "TC", "WT"]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("necrotic tumor core", "necrotic"),
        ("non-enhancing_tumor_core", "necrotic"),
        ("tumor_core", "TC"),
        ("peritumoral oedema", "oedema"),
        ("resection cavity", "RC"),
        ("GD-enhancing tumour", "ET"),
        ("kidney", None),
        ("internet", None),
    ],
)
def test_a_name_means_one_part(name: str, part: object) -> None:
    assert part_of(name) == part
