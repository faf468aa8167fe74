"""A file is complete or absent."""

from pathlib import Path

import pytest

from iunet_med.data.files import replacing


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "x.nii.gz"
    for content in ("old", "new"):
        with replacing(path) as temporary:
            temporary.write_text(content)
            assert temporary.name.endswith("x.nii.gz")
            assert not path.exists() or path.read_text() == "old"
        assert path.read_text() == content

    def fail_halfway() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_halfway()
    assert [file.read_text() for file in path.parent.iterdir()] == ["new"]
