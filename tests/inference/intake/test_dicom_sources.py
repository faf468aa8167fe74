"""Studies become cases under anonymous names; a modality without exactly one series is a fault of its study alone."""

from pathlib import Path

import pytest

from iunet_med.datasets import FolderLayout
from iunet_med.inference.intake import dicom_sources as module
from iunet_med.inference.intake.dicom_sources import dicom_sources
from iunet_med.inference.intake.sources import list_sources
from iunet_med.volumes.dicom import FoundSeries, LeftOut, Series

ROOT = Path("/scans")


def series(key: str, study: str, description: str) -> Series:
    files = (Path("/scans/DOE_JOHN/1.dcm"),)
    return Series(key, study, "patient-1", description, "MR", files, patient_number="P7")


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    one = [series("series-a", "study-1", "T1 post GD"), series("series-b", "study-1", "FLAIR DOE")]
    other = [series("series-c", "study-2", "T1 GD"), series("series-d", "study-2", "T1 GD again")]
    monkeypatch.setattr(
        module,
        "find_series",
        lambda _root: FoundSeries([*one, *other], [LeftOut(Path("/scans/sub/x.dcm"), "is a localiser")]),
    )


def test_each_study_is_a_case_and_names_nobody() -> None:
    patterns = {"t1c": "*t1*gd*", "flair": "*flair*"}
    good, bad = dicom_sources(
        ROOT, ["t1c", "flair"], series=patterns, keep_identifiers=False, on_left_out=lambda *_: None
    )
    assert (good.name, bad.name) == ("study-1", "study-2")
    assert {name: one.key for name, one in (good.series or {}).items()} == {"t1c": "series-a", "flair": "series-b"}
    assert "t1c: 2 series fit" in bad.problem
    assert "DOE" not in good.name + bad.problem
    assert (good.patient, bad.patient) == ("P7", "P7")


def test_one_modality_takes_every_series_as_a_case() -> None:
    sources = dicom_sources(ROOT, ["ct"], series={}, keep_identifiers=False, on_left_out=lambda *_: None)
    assert [source.name for source in sources] == ["series-a", "series-b", "series-c", "series-d"]


def test_the_patients_number_is_in_names_on_request_alone() -> None:
    for wanted, name in ((True, "P7-series-a"), (False, "series-a")):
        sources = dicom_sources(ROOT, ["ct"], series={}, keep_identifiers=wanted, on_left_out=lambda *_: None)
        assert sources[0].name == name


@pytest.mark.parametrize("patterns", [{}, {"t1c": "*"}, {"t1c": "*", "flair": "*", "t2": "*"}])
def test_series_are_never_guessed(patterns: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"one pattern for each of t1c, flair; series are never guessed"):
        dicom_sources(ROOT, ["t1c", "flair"], series=patterns, keep_identifiers=False, on_left_out=lambda *_: None)


def test_what_belongs_to_no_series_is_told_with_its_path_below_the_folder() -> None:
    told: list[tuple[str, str]] = []
    dicom_sources(ROOT, ["ct"], series={}, keep_identifiers=False, on_left_out=lambda *one: told.append(one))
    assert told == [("sub/x.dcm", "is a localiser")]


def test_a_list_names_a_series_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = {
        "one": [series("series-a", "study-1", "T1")],
        "two": [series("series-a", "s", ""), series("series-b", "s", "")],
    }
    monkeypatch.setattr(module, "find_series", lambda folder: FoundSeries(held[folder.name], []))
    for folder in held:
        (tmp_path / folder).mkdir()
    (tmp_path / "list.csv").write_text("case,ct\nA,one\nB,two\nC,c.nii\n")
    layout = FolderLayout(modalities={"ct": "*.nii*"}, regions={"spleen": [1]}, label="x")
    good, bad, file = list_sources(tmp_path / "list.csv", layout)
    assert {name: one.key for name, one in (good.series or {}).items()} == {"ct": "series-a"}
    assert "the folder two holds 2 DICOM series (series-a, series-b); expected one" in bad.problem
    assert (file.series, file.files) == (None, {"ct": tmp_path / "c.nii"})
