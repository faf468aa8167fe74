"""The content of a folder tells its layout."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from iunet_med.datasets import DatasetError, dataset_layout, find_layout
from iunet_med.datasets.datalist import write_datalist
from iunet_med.datasets.detect import detect_layout
from iunet_med.datasets.public import LAYOUT_NAMES, layout_name


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def test_a_case_with_faults_still_tells_the_layout(tmp_path: Path) -> None:
    touch(tmp_path / "HGG" / "b", "b_t1.nii.gz", "b_flair.nii.gz")
    assert detect_layout(tmp_path) == "brats18"


def test_folders_of_two_layouts_are_refused_with_examples(tmp_path: Path, brats_case: Callable[..., Path]) -> None:
    brats_case(tmp_path, "new", shape=(4, 4, 4))
    touch(tmp_path / "old", "old_t1.nii", "old_t2.nii")
    with pytest.raises(DatasetError, match=r"1 cases like brats23, new for one and 1 cases like brats18, old for one"):
        detect_layout(tmp_path)


@pytest.mark.parametrize(("files", "came"), [((), "no image in"), (("A.nii", "B.nii"), "A.nii, B.nii for a")])
def test_what_fits_no_layout_is_told_with_what_was_found(tmp_path: Path, files: tuple[str, ...], came: str) -> None:
    touch(tmp_path / "x", *files)
    with pytest.raises(
        DatasetError,
        match=rf"{came}.*; expected one file per modality, .*; say which file it is by `.* --map t1c='PATTERN'`",
    ):
        detect_layout(tmp_path)


def test_a_name_is_taken_as_it_is_and_no_folder_means_brats23(tmp_path: Path) -> None:
    assert find_layout("msd", dataset_dir=str(tmp_path)) == dataset_layout("msd")
    assert find_layout() == dataset_layout("brats23")


def test_a_datalist_tells_the_layout_that_it_was_made_with(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    layout = dataset_layout("brats24")
    write_datalist(path, [], root=tmp_path, layout=layout, layout_name="brats24", details={})
    assert find_layout(datalist=str(path), dataset_dir=str(tmp_path)) == layout
    path.write_text(json.dumps({"layout": "mine.json"}))
    with pytest.raises(DatasetError, match=r"made with mine\.json; .*; pass --layout mine\.json to iunet-med"):
        find_layout(datalist=str(path))
    path.write_text("[]")
    with pytest.raises(
        DatasetError, match=r"(?s)list\.json.*a datalist with its layout; make it by `iunet-med datalist"
    ):
        find_layout(datalist=str(path))


def test_public_layouts_know_their_names() -> None:
    assert [layout_name(dataset_layout(name)) for name in LAYOUT_NAMES] == list(LAYOUT_NAMES)
