"""The core is outlined on the T1 with contrast agent, all else on FLAIR, by the modalities' names."""

import pytest

from iunet_med.datasets import dataset_layout
from iunet_med.pictures.shown import shown_regions

BRATS = dataset_layout("brats24").regions


@pytest.mark.parametrize(
    ("modalities", "regions", "expected"),
    [
        ("t1 t1c t2 flair", BRATS, {"flair": ["WT", "RC"], "t1c": ["ET", "TC"]}),
        ("T2-FLAIR ce-gd_T1w", BRATS, {"T2-FLAIR": ["WT", "RC"], "ce-gd_T1w": ["ET", "TC"]}),
        ("t1n t1_post t2w t2f", BRATS, {"t2f": ["WT", "RC"], "t1_post": ["ET", "TC"]}),
        ("t1 t1c t2 flair", {"lesion": (1,)}, {"flair": ["lesion"]}),
        ("t1c flair", {"oedema": (2,), "Enhancing": (3,)}, {"flair": ["oedema"], "t1c": ["Enhancing"]}),
        ("t1c flair", {"necrotic core": (1,)}, {"t1c": ["necrotic core"]}),
        ("t1 t2 flair", BRATS, {"flair": ["ET", "TC", "WT", "RC"]}),
        ("t1 t1gd", BRATS, {"t1gd": ["ET", "TC", "WT", "RC"]}),
        ("t2 t1 cet", {"lesion": (1,)}, {"t2": ["lesion"]}),
        ("ct", {"liver": (1,), "spleen": (2,)}, {"ct": ["liver", "spleen"]}),
    ],
)
def test_regions_are_shown_where_they_are_seen(
    modalities: str, regions: dict[str, tuple[int, ...]], expected: dict[str, list[str]]
) -> None:
    views = shown_regions(modalities.split(), regions)
    assert {modality: list(outlined) for modality, outlined in views.items()} == expected
    for outlined in views.values():
        assert all(outlined[name] == regions[name] for name in outlined)
