"""Folders are walked in order and through links, and links in a circle end."""

from pathlib import Path

from iunet_med.datasets.walk import walk


def test_links_are_followed_but_not_back_up(tmp_path: Path) -> None:
    (tmp_path / "root" / "a" / ".hidden").mkdir(parents=True)
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "scan.nii").touch()
    (tmp_path / "root" / "b").symlink_to(tmp_path / "far")
    (tmp_path / "root" / "c").symlink_to(tmp_path / "far")
    (tmp_path / "root" / "a" / "up").symlink_to(tmp_path / "root")
    found = [(folder.relative_to(tmp_path).as_posix(), files) for folder, _, files in walk(tmp_path / "root")]
    assert found == [("root", []), ("root/a", []), ("root/b", ["scan.nii"]), ("root/c", ["scan.nii"])]


def test_label_maps_of_monai_label_are_no_images(tmp_path: Path) -> None:
    for name in ("P1-t1n.nii.gz", "labels/final/P1-t1n.nii.gz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [files for _, _, files in walk(tmp_path)] == [["P1-t1n.nii.gz"], [], ["P1-t1n.nii.gz"]]
    (tmp_path / "datastore_v2.json").touch()
    assert [files for _, _, files in walk(tmp_path)] == [["P1-t1n.nii.gz", "datastore_v2.json"]]
