"""A datalist is read as it was written, by the bundle and by MONAI."""

from pathlib import Path

import pytest
from monai.data import load_decathlon_datalist

from iunet_med.datasets import DatasetError, dataset_layout, list_cases
from iunet_med.datasets.datalist import read_datalist, write_datalist
from iunet_med.datasets.folds import assign_folds

LAYOUT = dataset_layout("brats23")


@pytest.fixture
def listed(tmp_path: Path, brats_folder: Path) -> Path:
    cases = assign_folds(list_cases(str(brats_folder), LAYOUT), folds=2)
    write_datalist(
        tmp_path / "list.json", cases, root=brats_folder, layout=LAYOUT, layout_name="brats23", details={"seed": 0}
    )
    return tmp_path / "list.json"


def test_round_trip(listed: Path, brats_folder: Path) -> None:
    cases = read_datalist(listed, LAYOUT)
    assert cases == assign_folds(list_cases(str(brats_folder), LAYOUT), folds=2)


def test_monai_reads_the_same_paths_and_folds(listed: Path, brats_folder: Path) -> None:
    theirs = load_decathlon_datalist(str(listed), data_list_key="training", base_dir=str(brats_folder))
    ours = read_datalist(listed, LAYOUT)
    for key in ("image", "label", "fold"):
        assert [item[key] for item in theirs] == [item[key] for item in ours]


def test_a_data_set_that_moved_is_found_where_it_is_said_to_be(listed: Path, tmp_path: Path) -> None:
    for case in read_datalist(listed, LAYOUT, dataset_dir=str(tmp_path / "moved")):
        assert Path(case["label"]).is_relative_to(tmp_path / "moved" / case["case"])


def test_regions_of_another_layout_are_refused(listed: Path) -> None:
    with pytest.raises(DatasetError, match=r"'ET': \[3\].*; expected .*'RC': \[4\].*; choose the layout .*brats23"):
        read_datalist(listed, dataset_layout("brats24"))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"training": [1]}'])
def test_what_is_no_datalist_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(DatasetError, match=r"(?s)x\.json cannot be used.*a readable datalist; make it by"):
        read_datalist(tmp_path / "x.json", LAYOUT)
