"""Items of other programs get names of their own."""

from typing import Any

import pytest

from iunet_med.datasets.case_names import name_cases


@pytest.mark.parametrize(
    ("images", "names"),
    [
        (["/d/BRATS_001.nii.gz", "/d/BRATS_002.NII"], ["BRATS_001", "BRATS_002"]),
        (["/d/p1/image.nii.gz", "/d/p2/image.nii.gz", "/d/x.mha"], ["p1_image", "p2_image", "x"]),
        ([["/d/p1/t1.nii.gz", "/d/p1/t2.nii.gz"], ["/d/p2/t1.nii.gz", "/d/p2/t2.nii.gz"]], ["p1", "p2"]),
        ([["/d/a_t1.nii.gz", "/d/a_t1ce.nii.gz"], ["/d/b-1_t1.nii", "/d/b-1_t1ce.nii"]], ["a", "b-1"]),
        (["/d/v1.2.nrrd"], ["v1.2"]),
    ],
)
def test_items_are_named_by_their_files(images: list[Any], names: list[str]) -> None:
    named = name_cases([{"image": image, "label": "l"} for image in images])
    assert [(item["case"], item["patient"]) for item in named] == [(name, name) for name in names]
    assert [(item["image"], item["label"]) for item in named] == [(image, "l") for image in images]


def test_items_with_names_stay_as_they_are() -> None:
    items = [{"image": "a.nii", "case": "c", "patient": "p"}, {"image": "a.nii", "case": "d", "fold": 1}]
    assert name_cases(items) == [items[0], {**items[1], "patient": "d"}]


@pytest.mark.parametrize("item", [{"label": "a.nii"}, {"image": 3}, {"image": []}])
def test_an_item_without_a_path_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected `image`, a path or one path per modality"):
        name_cases([item])


def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="p_a: several items have this name; give each its own by the key `case`"):
        name_cases([{"image": "/x/p/a.nii"}, {"image": "/y/p/a.nii"}])
