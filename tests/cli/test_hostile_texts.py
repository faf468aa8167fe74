"""Whatever text comes through a door of the command line, it never runs, and ends in work done or one clear error."""

import builtins
import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from iunet_med.cli import app

RUNS = "__import__('builtins').__dict__.__setitem__('canary', 1)"
HOSTILE = [f"${RUNS}", f"$import antigravity and {RUNS}", f"cpu'+{RUNS}+'", "@run", "%configs.json::run", "_target_"]
HOSTILE += [
    "a b",
    "a\nb",
    "'\"",
    "\u00e4\u202e",
    "../../x",
    "x" * 300,
    "[/red]",
    "[link=x]",
    "a#b",
    "\udcff",
    "-x",
    "=1",
]
BUNDLE = Path(__file__).parents[2] / "bundle" / "iunet_brats_mri"
texts = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text))
quick = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def canary() -> Iterator[None]:
    yield
    assert not hasattr(builtins, "canary"), "a text was run"


def ends_well(*arguments: str) -> str:
    """Run a command, and return what it printed if it ended with 0 or with an error without a traceback."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code in (0, 1, 2), result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 0 or "Error" in result.output or "\nfailed " in result.output  # all, or one case
    assert not hasattr(builtins, "canary")
    return result.output


@quick
@given(texts)
def test_arguments_of_segment(tmp_path: Path, text: str) -> None:
    there = ["--bundle", str(BUNDLE), "--output", str(tmp_path / "out")]
    ends_well("segment", *there, "--", text)
    ends_well("segment", *there, f"--device={text}", str(tmp_path))
    ends_well("segment", *there, f"--map=t1={text}", str(tmp_path))
    ends_well("segment", *there, f"--config={text}", str(tmp_path))
    ends_well("segment", f"--bundle={text}", "--output", "out", str(tmp_path))
    ends_well("segment", "--bundle", str(BUNDLE), f"--output={tmp_path}/{text}", str(tmp_path / "absent"))


@quick
@given(texts)
def test_arguments_of_other_commands(tmp_path: Path, text: str) -> None:
    ends_well("evaluate", f"--layout={text}", str(tmp_path), str(tmp_path))
    ends_well("evaluate", "--", text, text)
    ends_well("evaluate", f"--cases={text}", f"--datalist={text}", str(tmp_path), str(tmp_path))
    ends_well("simulate", f"--layout={text}", str(tmp_path / "out"))
    ends_well("datalist", f"--layout={text}", "--out", str(tmp_path / "list.json"), str(tmp_path))
    ends_well("datalist", "--out", str(tmp_path / "list.json"), "--", text)
    ends_well("export", f"--bundle={text}", "model.ts")
    ends_well("export", f"--checkpoint={text}", "--bundle", str(BUNDLE), "model.ts")


@quick
@given(texts)
def test_texts_of_files(tmp_path: Path, text: str) -> None:
    for name, content in (
        ("cases.json", [{"case": text, "t1": text, "t1c": text, "t2": text, "flair": text}]),
        (
            "dataset.json",
            {"modality": {"0": text}, "labels": {"1": text}, "training": [{"image": text, "label": text}]},
        ),
        (
            "layout.json",
            {"layout": {"_target_": "iunet_med.datasets.FolderLayout", "label": text, "regions": {text: [1]}}},
        ),
        ("target.json", {"layout": {"_target_": text}}),
    ):
        (tmp_path / name).write_text(json.dumps(content))
    there = ["--bundle", str(BUNDLE), "--output", str(tmp_path / "out"), "--device", "cpu"]
    ends_well("segment", *there, str(tmp_path / "cases.json"))
    ends_well("evaluate", str(tmp_path), str(tmp_path))
    ends_well("datalist", str(tmp_path), "--out", str(tmp_path / "list.json"))
    ends_well("evaluate", "--layout", str(tmp_path / "layout.json"), str(tmp_path), str(tmp_path))
    ends_well("evaluate", "--layout", str(tmp_path / "target.json"), str(tmp_path), str(tmp_path))


@quick
@given(texts)
def test_cells_of_lists(tmp_path: Path, text: str) -> None:
    rows = [["case", "t1", "t1c", "t2", "flair"], [text] * 5, [text, "a.nii", "b.nii", "c.nii", "d.nii"], [text]]
    with (tmp_path / "cases.csv").open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        csv.writer(file).writerows(rows)
    ends_well("segment", "--bundle", str(BUNDLE), "--output", str(tmp_path / "out"), str(tmp_path / "cases.csv"))


@pytest.mark.parametrize("name", HOSTILE)
def test_paths_of_outputs(dataset: Path, tmp_path: Path, name: str) -> None:
    (folder := tmp_path / "inner" / "inner").mkdir(parents=True)
    predictions = tmp_path / "predictions"
    predictions.mkdir()
    for label in dataset.glob("*/*-seg.nii.gz"):
        shutil.copy(label, predictions / label.name.replace("-seg", "_seg"))
    tables = [f"--csv={folder}/{name}.csv", f"--summary={folder}/{name}-2.csv"]
    ends_well("evaluate", str(dataset), str(predictions), *tables)
    ends_well("datalist", "--folds", "0", "--out", f"{folder}/{name}.json", str(dataset))


@pytest.mark.parametrize("name", [text for text in HOSTILE if "/" not in text and len(text) < 200])
def test_names_of_folders(dataset: Path, tmp_path: Path, name: str) -> None:
    case = next(path for path in sorted(dataset.iterdir()) if path.is_dir())
    shutil.copytree(case, tmp_path / "data" / name)
    (tmp_path / "predictions").mkdir()
    label = next(case.glob("*-seg.nii.gz"))
    shutil.copy(label, tmp_path / "predictions" / f"{name}_seg.nii.gz")
    tables = ["--csv", str(tmp_path / "s.csv"), "--picture", str(tmp_path / "p.png"), "--plot", str(tmp_path / "m.png")]
    said = ends_well("evaluate", str(tmp_path / "data"), str(tmp_path / "predictions"), *tables)
    assert "1.000" in said, said
    assert "[link=x]" in said or name != "[link=x]"
    ends_well("datalist", "--folds", "0", "--out", str(tmp_path / "list.json"), str(tmp_path / "data"))
