"""An app's folder has a bundle, a spare copy of the weights, and one link per patient; a second run keeps the rest."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from iunet_med.monai_label.folder import WrittenApp, start_arguments, write_app
from iunet_med.monai_label.settings import read_settings

BUNDLE = Path(__file__).parents[2] / "bundle" / "iunet_brats_mri"


def write(studies: Path | str, out: Path, **options: Any) -> WrittenApp:
    return write_app(str(studies), out, **{"bundle": BUNDLE, "patterns": {}, **options})


def test_each_patient_is_one_item_that_leads_to_all_files(brats_folder: Path, tmp_path: Path) -> None:
    app = write(brats_folder, tmp_path / "app", shown="flair")
    assert (app.items, app.problems) == (5, {})
    links = {path.name: path.resolve() for path in Path(app.studies).iterdir()}
    assert links["GLI-1-001.nii.gz"] == (brats_folder / "GLI-1-001" / "GLI-1-001-t2f.nii.gz").resolve()
    case = read_settings(app.path).cases["GLI-1-001"]
    assert [Path(path).name[10:13] for path in case["image"]] == ["t1n", "t1c", "t2w", "t2f"]
    assert case["modalities"] == ["t1", "t1c", "t2", "flair"]
    assert case["patient"] == "GLI-1", "both scans of a patient stay together"
    models = app.path / "model" / "iunet_brats_mri" / "models"
    digests = {hashlib.sha256((models / name).read_bytes()).hexdigest() for name in ("model.pt", "shipped.pt")}
    assert digests == {hashlib.sha256((BUNDLE / "models" / "model.pt").read_bytes()).hexdigest()}
    assert not (models / "model.pt").samefile(models / "shipped.pt")


def test_a_second_run_brings_items_up_to_date_and_keeps_weights_and_labels(
    brats_case: Callable[..., Path], tmp_path: Path
) -> None:
    brats_case(tmp_path / "scans", "GLI-1-000")
    app = write(tmp_path / "scans", tmp_path / "app")
    weights = app.path / "model" / "iunet_brats_mri" / "models" / "model.pt"
    label = Path(app.studies) / "labels" / "final" / "GLI-1-000.nii.gz"
    label.parent.mkdir(parents=True)
    label.write_bytes(b"an annotator's work")
    weights.write_bytes(b"trained")
    brats_case(tmp_path / "scans", "GLI-2-000")
    shutil.rmtree(tmp_path / "scans" / "GLI-1-000")
    write(tmp_path / "scans", tmp_path / "app")
    assert [path.name for path in Path(app.studies).glob("*.nii.gz")] == ["GLI-2-000.nii.gz"]
    assert (weights.read_bytes(), label.read_bytes()) == (b"trained", b"an annotator's work")


def test_cases_that_cannot_be_used_are_told_and_left_out(brats_case: Callable[..., Path], tmp_path: Path) -> None:
    for name in ("GLI-1-000", "GLI-2-000"):
        brats_case(tmp_path / "scans", name)
    (tmp_path / "scans" / "GLI-2-000" / "GLI-2-000-t2f.nii.gz").unlink()
    app = write(tmp_path / "scans", tmp_path / "app")
    assert app.items == 1
    assert "no file for flair" in app.problems["GLI-2-000"]


def test_a_file_whose_channels_nobody_named_is_an_item_without_a_case(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.ones((4, 4, 4, 4), np.float32), np.eye(4))
    nib.save(image, tmp_path / "one.nii.gz")
    app = write(tmp_path / "one.nii.gz", tmp_path / "app")
    assert app.items == 1
    assert read_settings(app.path).cases == {}, "it is looked at when it is loaded"


def test_dicomweb_has_no_items_of_its_own(tmp_path: Path) -> None:
    patterns = {name: f"*{name}*" for name in ("t1", "t1c", "t2", "flair")}
    app = write("http://127.0.0.1:8042/dicom-web", tmp_path / "app", patterns=patterns, shown="t1c")
    assert (app.studies, app.items) == ("http://127.0.0.1:8042/dicom-web", 0)
    settings = read_settings(app.path)
    assert (settings.patterns, settings.modality, settings.shown) == (patterns, "MR", "t1c")
    assert start_arguments(app, host="127.0.0.1", port=9)[-2:] == ["--port", "9"]


def test_series_of_a_server_are_never_guessed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--map names t1; expected one pattern for each of t1, t1c, t2, flair"):
        write("http://127.0.0.1:8042/dicom-web", tmp_path / "app", patterns={"t1": "*T1*"})


def test_what_cannot_become_an_app_is_refused(brats_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(ValueError, match=r"full: expected a new folder, or an app"):
        write(brats_folder, tmp_path / "full")
    with pytest.raises(ValueError, match=r"unknown modality pet; the bundle's are t1, t1c, t2, flair"):
        write(brats_folder, tmp_path / "app", shown="pet")
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom" / "1").write_bytes(bytes(128) + b"DICM")
    with pytest.raises(ValueError, match="MONAI Label takes that from a DICOMweb server"):
        write(tmp_path / "dicom", tmp_path / "app")
    bare = tmp_path / "bare"
    shutil.copytree(BUNDLE, bare, ignore=shutil.ignore_patterns("models"))
    with pytest.raises(ValueError, match="bare has no weights"):
        write(brats_folder, tmp_path / "app", bundle=bare)
    write(brats_folder, tmp_path / "app")
    (settings := tmp_path / "app" / "app.json").write_text(settings.read_text().replace("iunet_brats_mri", "other"))
    with pytest.raises(ValueError, match="is an app for the bundle other, not iunet_brats_mri"):
        write(brats_folder, tmp_path / "app")
    settings.write_text(json.dumps({"name": "another program's"}))
    with pytest.raises(ValueError, match="is not an app that"):
        write(brats_folder, tmp_path / "app")
