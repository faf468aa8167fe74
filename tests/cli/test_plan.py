"""`iunet-med plan`: a table, an overlay that training takes, a picture, and errors that name what fits."""

import json
from pathlib import Path

import pytest
from monai.bundle import ConfigParser
from typer.testing import CliRunner

from iunet_med.cli import app

ROOT = Path(__file__).parents[2]


def run(*arguments: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, ["plan", *arguments], env={"COLUMNS": "120"})
    assert done.exit_code == status, done.output
    return done.output


@pytest.fixture
def small(tmp_path: Path) -> str:
    (path := tmp_path / "small.json").write_text(json.dumps({"channels": [4, 8]}))
    return str(path)


def test_an_overlay_holds_what_fits(small: str, tmp_path: Path) -> None:
    files = ["--out", str(tmp_path / "plan.json"), "--picture", str(tmp_path / "plan.png")]
    told = run("iunet_brats_mri", small, "--memory", "0.55GB", "--volume", "64x64x48", *files)
    assert "A training step on" in told
    assert "Fastest within 0.55GB" in told
    overlay = json.loads((tmp_path / "plan.json").read_text())
    assert set(overlay) == {"_desc_", "roi_size", "backprop"}
    parser = ConfigParser()
    parser.read_config([str(ROOT / "bundle/iunet_brats_mri/configs/train.json"), small, str(tmp_path / "plan.json")])
    assert parser.get_parsed_content("network_def").unet.backprop == tuple(overlay["backprop"])
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")


def test_too_little_memory_names_what_would_do(small: str) -> None:
    told = run("iunet_brats_mri", small, "--memory", "0.55GB", "--crop", "160x160x160", "--device", "cuda", status=1)
    assert "--memory 0.55GB: a training step on 160x160x160 needs" in told
    assert "the largest crop that fits is" in told
    told = run("iunet_brats_mri", small, "--memory", "0.1MB", "--device", "cpu", "--volume", "32x32x32", status=1)
    assert "take fewer channels" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--memory", "24XB"], "expected a size such as 24GB"),
        (["--volume", "axb"], "--volume axb: expected lengths in voxels"),
        (["configs/iunet32.json"], "no id `network_def` or `network`"),
        (["nowhere.json"], "nowhere.json"),
    ],
)
def test_bad_input_is_told(arguments: list[str], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert told in run(*arguments, status=1).replace("\n", " ")
