"""A file is complete or absent."""

import subprocess
import sys
from pathlib import Path

import pytest

from iunet_med import files
from iunet_med.files import replacing


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


def test_the_next_writing_clears_what_a_killed_process_left_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    program = "import runpy, sys; entered = runpy.run_path(sys.argv[1])['replacing'](sys.argv[2]).__enter__(); "
    program += "entered.write_text('half'); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, files.__file__, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        kept = {f".{writer.pid}-model.pt", f".{writer.pid}-other-model.pt", ".backup-model.pt", "model.pt"}
        (tmp_path / f".{writer.pid}-other-model.pt").touch()
        (tmp_path / ".backup-model.pt").touch()
        write(path)
        assert {file.name for file in tmp_path.iterdir()} == kept  # the writer runs still
        writer.kill()
    write(path)
    assert {file.name for file in tmp_path.iterdir()} == kept - {f".{writer.pid}-model.pt"}
    assert path.read_text() == "whole"


def write(path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text("whole")
