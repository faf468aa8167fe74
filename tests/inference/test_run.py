"""Whole runs: results on the inputs' grids, as the bundle's own run has them; skipped, resumed, one bad case alone."""

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from iunet_med.inference import CaseResult, segment
from iunet_med.inference.results import outputs
from iunet_med.inference.windows.probabilities import Probabilities
from iunet_med.inference.windows.slabs import output_slabs

TINY: dict[str, Any] = {"channels": [4, 8], "roi_size": [16, 16, 16], "device": "cpu", "amp": False}


def run(given: Path, bundle: Path, output: Path, **options: Any) -> dict[str, CaseResult]:
    settings = {**TINY, "spacing": [1.5, 1.5, 1.5], **options.pop("settings", {})}
    return {r.case: r for r in segment(given, output=output, bundle=bundle, settings=settings, **options)}


def labels(output: Path, case: str) -> nib.Nifti1Image:
    return nib.load(output / case / f"{case}_seg.nii.gz")


def test_the_result_is_that_of_the_bundles_own_run(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    results = run(heads, tiny_bundle, tmp_path / "ours", probabilities=True)
    assert all(result.status != "failed" for result in results.values())
    parser = ConfigParser()
    parser.read_config(tiny_bundle / "configs" / "inference.json")
    parser.update({"dataset_dir": str(heads), "output_dir": str(tmp_path / "monai"), "bundle_root": str(tiny_bundle)})
    parser.update({**TINY, "spacing": [1.5, 1.5, 1.5], "num_workers": 0})
    parser.get_parsed_content("evaluator").run()
    for case in results:
        ours, theirs = labels(tmp_path / "ours", case), labels(tmp_path / "monai", case)
        truth = nib.load(heads / case / f"{case}-t1n.nii.gz")
        np.testing.assert_array_equal(ours.affine, truth.affine)
        assert (ours.shape, ours.get_data_dtype()) == (truth.shape, np.uint8)
        assert len(np.unique(ours.dataobj)) > 1
        np.testing.assert_array_equal(np.asarray(ours.dataobj), np.asarray(theirs.dataobj))
        probability = np.asarray(nib.load(tmp_path / "ours" / case / f"{case}_prob.nii.gz").dataobj)
        assert (np.asarray(ours.dataobj)[probability[..., 2] > 0.5] > 0).all()  # the whole tumour


def test_probabilities_that_do_not_fit_cost_smooth_borders_and_are_told(
    heads: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = {"settings": {"spacing": [3.0, 3.0, 3.0]}}
    smooth = run(heads, tiny_bundle, tmp_path / "smooth", **coarse)

    def full(self: Probabilities, slab: torch.Tensor) -> None:
        self._error = MemoryError("full")

    monkeypatch.setattr(Probabilities, "add", full)
    stepped = run(heads, tiny_bundle, tmp_path / "stepped", **coarse)
    for case in smooth:
        assert "borders" not in {finding.check for finding in smooth[case].findings}
        assert "borders" in {finding.check for finding in stepped[case].findings}
        one, other = (np.asarray(labels(tmp_path / name, case).dataobj) for name in ("smooth", "stepped"))
        assert 0 < (one != other).mean() < 0.2


def test_the_sidecar_says_how_it_was_made(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    run(heads, tiny_bundle, tmp_path / "out", nrrd=True)
    sidecar = json.loads((tmp_path / "out" / "GLI-1-000" / "GLI-1-000_seg.json").read_text())
    assert sidecar["made_by"]["labels"] == {"3": "ET", "1": "TC", "2": "WT"}
    assert len(sidecar["made_by"]["weights_sha256"]) == 64
    assert sidecar["made_by"]["inputs"]["t1c"] == "GLI-1-000/GLI-1-000-t1c.nii.gz"
    assert sidecar["made_by"]["bundle"]["version"]
    assert "GLI-1-000_seg.nrrd" in sidecar["files"]
    with (tmp_path / "out" / "summary.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["case"] == "GLI-1-000"]
    found = np.asarray(labels(tmp_path / "out", "GLI-1-000").dataobj)
    assert [row["label"] for row in rows] == ["ET", "TC", "WT"]
    assert float(rows[2]["volume_ml"]) == pytest.approx((found > 0).sum() * 1.5**3 / 1000)
    assert "GLI-1-000" in (tmp_path / "out" / "report.html").read_text()


def test_one_bad_case_leaves_the_others_alone(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    broken = heads / "GLI-2-000" / "GLI-2-000-t1c.nii.gz"
    broken.write_bytes(broken.read_bytes()[:-200])
    (heads / "GLI-3-000" / "GLI-3-000-t2w.nii.gz").unlink()
    results = run(heads, tiny_bundle, tmp_path / "out")
    assert [results[case].status == "failed" for case in sorted(results)] == [False, True, True]
    assert "GLI-2-000-t1c.nii.gz" in results["GLI-2-000"].reason
    assert "no file for t2" in results["GLI-3-000"].reason
    assert "\n" not in results["GLI-2-000"].reason
    assert sorted(path.name for path in (tmp_path / "out" / "GLI-2-000").iterdir()) == ["GLI-2-000_seg.json"]


def test_a_second_run_does_only_what_changed(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    run(heads, tiny_bundle, tmp_path / "out")
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*_seg.*")}
    image = nib.load(path := heads / "GLI-2-000" / "GLI-2-000-t1n.nii.gz")
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj) + 1, image.affine), path)
    (tmp_path / "out" / "GLI-3-000" / "GLI-3-000_seg.nii.gz").unlink()
    run(heads, tiny_bundle, tmp_path / "out")
    changed = {path.parent.name for path, time in files.items() if path.stat().st_mtime_ns != time}
    assert changed == {"GLI-2-000", "GLI-3-000"}
    for option in ({"overwrite": True}, {"settings": {"overlap": 0.25}}):
        files = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*_seg.*")}
        run(heads, tiny_bundle, tmp_path / "out", **option)
        assert all(path.stat().st_mtime_ns != time for path, time in files.items())


def test_no_failure_loses_a_label_map(
    heads: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    def out_of_memory(*_arguments: object, **_options: object) -> None:
        raise MemoryError("14 GiB asked for")

    out, case = tmp_path / "out", "GLI-1-000"
    run(heads, tiny_bundle, out)
    before = (out / case / f"{case}_seg.nii.gz").read_bytes()
    for place, error in (("output_slabs", out_of_memory), ("read_case", full), ("write_outputs", full)):
        with monkeypatch.context() as patched:
            patched.setattr(f"iunet_med.inference.case.{place}", error)
            for _ in range(2):
                result = run(heads, tiny_bundle, out, nrrd=True)[case]
                assert result.status == "failed"
                assert f"{case}_seg.nii.gz, {case}_seg.png are of an earlier run with the same images" in result.reason
                assert (out / case / f"{case}_seg.nii.gz").read_bytes() == before
    with monkeypatch.context() as patched:
        patched.setattr("iunet_med.inference.run.write_sidecar", full)
        assert run(heads, tiny_bundle, out, nrrd=True)[case].status == "failed"
    assert run(heads, tiny_bundle, out, nrrd=True)[case].status != "failed"


def test_older_results_of_other_images_are_set_aside(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    out, case = tmp_path / "out", "GLI-2-000"
    run(heads, tiny_bundle, out)
    (heads / case / f"{case}-t1c.nii.gz").write_bytes(b"no image")
    assert f"were moved to {case}/earlier" in run(heads, tiny_bundle, out)[case].reason
    assert sorted(path.name for path in (out / case).iterdir()) == [f"{case}_seg.json", "earlier"]
    assert nib.load(out / case / "earlier" / f"{case}_seg.nii.gz").shape


def test_a_file_that_could_not_be_written_is_tried_again(
    heads: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setitem(outputs._WRITERS, "picture", full)
        result = run(heads, tiny_bundle, tmp_path / "out")["GLI-1-000"]
    assert result.status == "warning"
    assert "the picture was not written: No space left on device" in str(result.findings)
    assert result.files == ("GLI-1-000_seg.nii.gz",)
    assert "GLI-1-000_seg.png" in run(heads, tiny_bundle, tmp_path / "out")["GLI-1-000"].files


def test_highdicom_is_missed_before_anything_runs(
    heads: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(heads, tiny_bundle, tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(ImportError, match=r"pip install 'iunet-med\[dicom\]'"):
        run(heads, tiny_bundle, tmp_path / "out", dicom_seg=True)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_lists_single_files_and_other_formats_give_the_same(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    import SimpleITK

    run(heads, tiny_bundle, tmp_path / "folder")
    suffixes = {"t1": "t1n", "t1c": "t1c", "t2": "t2w", "flair": "t2f"}
    files = {name: heads / "GLI-1-000" / f"GLI-1-000-{suffix}.nii.gz" for name, suffix in suffixes.items()}
    (tmp_path / "list.csv").write_text(
        "case," + ",".join(files) + "\none," + ",".join(f"scans/{p.parent.name}/{p.name}" for p in files.values())
    )
    for name, path in files.items():
        SimpleITK.WriteImage(
            SimpleITK.ReadImage(str(path)), str(tmp_path / f"{name}.{'mha' if name == 't1' else 'nrrd'}")
        )
    entry = {name: f"{name}.{'mha' if name == 't1' else 'nrrd'}" for name in files}
    (tmp_path / "list.json").write_text(json.dumps([{"case": "two", **entry}]))
    stacked = np.stack([np.asarray(nib.load(path).dataobj) for path in files.values()], -1)
    nib.save(nib.Nifti1Image(stacked, nib.load(files["t1"]).affine), tmp_path / "three.nii.gz")
    expected = np.asarray(labels(tmp_path / "folder", "GLI-1-000").dataobj)
    for given, case in (("list.csv", "one"), ("list.json", "two"), ("three.nii.gz", "three")):
        results = run(tmp_path / given, tiny_bundle, tmp_path / "out")
        assert results[case].status != "failed", results[case].reason
        np.testing.assert_array_equal(np.asarray(labels(tmp_path / "out", case).dataobj), expected)


def test_a_modality_on_another_grid_is_resampled_with_a_warning(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    path = heads / "GLI-1-000" / "GLI-1-000-t2f.nii.gz"
    image = nib.load(path)
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    mirror[0, 3] = image.shape[0] - 1
    moved = nib.Nifti1Image(np.asarray(image.dataobj)[::-1].copy(), image.affine @ mirror)
    before = run(heads, tiny_bundle, tmp_path / "before")
    nib.save(moved, path)
    after = run(heads, tiny_bundle, tmp_path / "after")
    assert "grid" not in [finding.check for finding in before["GLI-1-000"].findings]
    assert "grid" in [finding.check for finding in after["GLI-1-000"].findings]
    results = [np.asarray(labels(tmp_path / run, "GLI-1-000").dataobj) for run in ("before", "after")]
    assert (results[0] == results[1]).mean() > 0.99


def test_misuse_is_told_before_anything_runs(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="There is no"):
        run(tmp_path / "absent", tiny_bundle, tmp_path / "out")
    with pytest.raises(ValueError, match="jobs=0: expected 1 or more"):
        run(heads, tiny_bundle, tmp_path / "out", jobs=0)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_processes_share_the_cases_and_write_one_summary(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from iunet_med.inference import segment; "
        f"r = segment({str(heads)!r}, output={str(tmp_path / 'out')!r}, bundle={str(tiny_bundle)!r}, "
        f"settings={ {**TINY, 'spacing': [1.5, 1.5, 1.5]}!r}); sys.exit(len(r) != 3)"
    )
    port = str(20000 + os.getpid() % 20000)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, "RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port},
        )
        for rank in range(2)
    ]
    assert processes[1].wait(timeout=300) == 0
    assert (tmp_path / "out" / "summary.csv").exists()  # none leaves before all is written
    assert processes[0].wait(timeout=300) == 0
    with (tmp_path / "out" / "summary.csv").open(newline="") as file:
        assert {row["case"] for row in csv.DictReader(file)} == {"GLI-1-000", "GLI-2-000", "GLI-3-000"}
    shutil.rmtree(tmp_path / "out")


def out_of_memory_in_one_piece(image: torch.Tensor, predict: Any, *, inferer: Any) -> Any:
    if inferer is None:
        raise torch.OutOfMemoryError("no room")
    return output_slabs(image, predict, inferer=inferer)


@pytest.mark.slow
def test_whole_volumes_run_in_one_piece_or_say_why_not(
    heads: Path, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_window = {"settings": {"roi_size": [-1, -1, -1]}}
    run(heads, tiny_bundle, tmp_path / "window", **one_window)
    whole = run(heads, tiny_bundle, tmp_path / "whole", whole_volume=True)
    monkeypatch.setattr("iunet_med.inference.case.output_slabs", out_of_memory_in_one_piece)
    full = run(heads, tiny_bundle, tmp_path / "full", whole_volume=True)
    monkeypatch.undo()
    monkeypatch.setattr("iunet_med.inference.windows.whole_volume.available_bytes", lambda: 1000)
    small = run(heads, tiny_bundle, tmp_path / "small", whole_volume=True)
    run(heads, tiny_bundle, tmp_path / "windows")
    for case in whole:
        arrays = {
            name: np.asarray(labels(tmp_path / name, case).dataobj)
            for name in ("window", "whole", "small", "full", "windows")
        }
        np.testing.assert_array_equal(arrays["whole"], arrays["window"])
        np.testing.assert_array_equal(arrays["small"], arrays["windows"])
        np.testing.assert_array_equal(arrays["full"], arrays["windows"])
        assert "needed more memory than the device has" in str(full[case].findings)
        assert "windows" not in [finding.check for finding in whole[case].findings]
        assert "it was run by sliding windows instead" in next(
            f.message for f in small[case].findings if f.check == "windows"
        )


@pytest.mark.slow
def test_a_killed_run_leaves_whole_files_and_goes_on(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for number in range(20):
        shutil.copytree(heads / "GLI-1-000", heads / f"Z-{number}")
        for file in (heads / f"Z-{number}").iterdir():
            file.rename(file.with_name(file.name.replace("GLI-1-000", f"Z-{number}")))
    settings = {**TINY, "spacing": [1.5, 1.5, 1.5]}
    code = f"from iunet_med.inference import segment\nsegment({str(heads)!r}, output={str(out)!r}, "
    code += f"bundle={str(tiny_bundle)!r}, settings={settings!r})"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], env=environment)
    while len(list(out.glob("*/*_seg.json"))) < 2 and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    finished = {path: path.stat().st_mtime_ns for path in out.glob("*/*_seg.json")}
    assert 2 <= len(finished) < 24
    assert not (out / "summary.csv").exists()
    for path in out.glob("*/*_seg.nii.gz"):
        assert np.asarray(nib.load(path).dataobj).shape
    results = run(heads, tiny_bundle, out)
    assert {result.status for result in results.values()} <= {"ok", "warning"}
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert len((out / "summary.csv").read_text().splitlines()) == 1 + 3 * len(results)
