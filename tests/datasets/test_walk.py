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
