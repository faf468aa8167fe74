"""`segment --list` prints what would be taken; the list that it prints to fill in can be given to `segment`."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from iunet_med.cli import app
from iunet_med.cli.listing import map_options, tell_listing, template
from iunet_med.datasets import dataset_layout
from iunet_med.inference.intake.listing import ListedCase, ListedSeries, Listing
from iunet_med.inference.intake.sources import list_sources

BUNDLE = str(Path(__file__).parents[2] / "bundle" / "iunet_brats_mri")
FOUR = ("t1", "t1c", "t2", "flair")


def listing(root: Path, *cases: ListedCase, series: tuple[ListedSeries, ...] = (), problem: str = "") -> Listing:
    return Listing(root, FOUR, "files", cases, series, problem)


def test_the_list_to_fill_in_is_read_back(tmp_path: Path) -> None:
    found = {name: (tmp_path / f"{name}, =x.nii",) for name in FOUR}
    cases = (ListedCase("-a, b", found), ListedCase("c", {"t1": (tmp_path / "x", tmp_path / "y")}))
    (tmp_path / "cases.csv").write_text(template(listing(tmp_path, *cases)))
    sources = {source.name: source for source in list_sources(tmp_path / "cases.csv", dataset_layout("files"))}
    assert sources["-a, b"].files == {name: paths[0] for name, paths in found.items()}
    assert sources["c"].problem.startswith("entry 2 of cases.csv has no path for t1, t1c, t2, flair; write")


def test_patterns_for_series_fit_their_descriptions_alone() -> None:
    series = tuple(
        ListedSeries("s", key, "MR", (1, 1, 2), text, guess, Path("folder") if key == "a" else None)
        for key, text, guess in (("a", "T1 [ax]*", "t1"), ("b", "FLAIR", "flair"), ("c", "odd", ""))
    )
    assert map_options(listing(Path(), series=series)) == (
        "--map 't1=T1 [[]ax][*]' --map t1c=PATTERN --map t2=PATTERN --map flair=FLAIR"
    )
    study = ListedCase("s", {"t1": ("a",), "flair": ("b",)})
    assert template(listing(Path(), study, series=series)) == "case,t1,t1c,t2,flair\ns,folder,,,"


def test_what_is_wrong_is_told_below_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = ListedCase("P[1]", {"t1": (tmp_path / "a", tmp_path / "b")}, (tmp_path / "odd",), "two for t1")
    whole = listing(tmp_path, case)
    tell_listing(whole)
    lines = capsys.readouterr().out.splitlines()
    assert any("P[1]" in line and "a or b" in line for line in lines)
    assert any("not used" in line and "odd" in line for line in lines)
    assert lines[-2:] == ["case,t1,t1c,t2,flair", "P[1],,,,"]
    assert "P[1]: two for t1" in lines
    tell_listing(replace(whole, cases=(ListedCase("x", {"image": (tmp_path / "x.nii",)}),)))
    assert "image" in (told := capsys.readouterr().out)
    assert "fill in" not in told
    assert template(replace(whole, cases=(ListedCase("x", {"image": (Path("x.nii"),)}),))) == "case,image\nx,x.nii"


def test_the_command_lists_without_writing(tmp_path: Path) -> None:
    for name in FOUR:
        (tmp_path / f"{name}.nii").touch()
    run = CliRunner().invoke(app, ["segment", str(tmp_path), "--list", "--bundle", BUNDLE])
    assert run.exit_code == 0, run.output
    assert "t1c.nii" in run.stdout
    (tmp_path / "t1.nii").unlink()
    run = CliRunner().invoke(app, ["segment", str(tmp_path), "--list", "--bundle", BUNDLE])
    assert run.exit_code == 1
    assert "no file for t1; found t1c (t1c.nii)" in run.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flair.nii", "t1c.nii", "t2.nii"]
    wrong = CliRunner().invoke(app, ["segment", str(tmp_path), "--list", "--output", "results"])
    assert wrong.exit_code == 2
    assert "expected an --output that ends in .csv" in " ".join(wrong.output.replace("│", " ").split())
    missing = CliRunner().invoke(app, ["segment", str(tmp_path), "--bundle", BUNDLE])
    assert missing.exit_code == 2
    assert "expected --output FOLDER" in missing.output


def test_the_list_of_a_folder_is_written_and_listed_again_as_it_stands(tmp_path: Path) -> None:
    for name in (f"{patient}/{name}.nii" for patient in "AB" for name in FOUR):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    options = ["--list", "--bundle", BUNDLE]
    run = CliRunner().invoke(app, ["segment", str(tmp_path), *options, "--output", str(tmp_path / "out" / "cases.csv")])
    assert run.exit_code == 0, run.output
    again = CliRunner().invoke(app, ["segment", str(tmp_path / "out" / "cases.csv"), *options])
    assert again.exit_code == 0, again.output
    assert "2 cases" in again.stdout
