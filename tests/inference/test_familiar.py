"""Cases are compared with the training images: told in the summary, the page and a warning."""

import csv
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from iunet_med.inference import segment
from iunet_med.inference.learn_familiarity import learn_familiarity

TINY: dict[str, Any] = {"channels": [4, 8], "roi_size": [16, 16, 16], "device": "cpu", "amp": False}
SETTINGS = {**TINY, "spacing": [1.5, 1.5, 1.5]}
AFFINE = np.diag([-1.5, 1.5, 1.5, 1.0])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> tuple[Path, Path]:
    """A bundle that knows twelve images, and a folder for others."""
    from tests.conftest import write_brats_case

    root = tmp_path_factory.mktemp("familiar")
    shutil.copytree(tiny_bundle, root / "tiny")
    for seed in range(12):
        dark_t1c(write_brats_case(root / "train", f"GLI-{seed}-000", seed=seed, affine=AFFINE))
    shutil.copytree(root / "train" / "GLI-3-000", root / "damaged" / "GLI-3-000")
    path, problems, count = learn_familiarity(root / "train", root / "tiny", settings=SETTINGS, series={})
    assert (path, problems, count) == (root / "tiny" / "models" / "familiarity.npz", {}, 12)
    return root / "tiny", root


def run(folder: Path, bundle: Path, output: Path) -> dict[str, Any]:
    return {r.case: r for r in segment(folder, output=output, bundle=bundle, settings=SETTINGS)}


def change(folder: Path, how: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> None:
    """Write a case's modalities anew."""
    paths = {path.name.removesuffix(".nii.gz").split("-")[-1]: path for path in folder.glob("*-t*.nii.gz")}
    arrays = how({name: np.asarray(nib.load(path).dataobj) for name, path in paths.items()})
    for name, array in arrays.items():
        nib.save(nib.Nifti1Image(array.astype(np.float32), AFFINE), paths[name])


def dark_t1c(folder: Path) -> None:
    """Make the tumour dark where it is bright in the others, so that the modalities differ in more than brightness."""
    change(folder, lambda found: {**found, "t1c": 400 - found["t1c"]})


def test_an_image_like_those_of_training_is_familiar_and_noise_is_not(
    trained: tuple[Path, Path], tmp_path: Path, brats_case: Callable[..., Path]
) -> None:
    bundle, _ = trained
    dark_t1c(brats_case(tmp_path / "scans", "GLI-20-000", seed=20, affine=AFFINE))
    other = brats_case(tmp_path / "scans", "GLI-21-000", seed=21, affine=AFFINE)
    noise = np.random.default_rng(0)
    change(other, lambda found: {name: noise.gamma(0.3, 100.0, array.shape) for name, array in found.items()})
    results = run(tmp_path / "scans", bundle, tmp_path / "out")
    codes = {case: [finding.check for finding in result.findings] for case, result in results.items()}
    assert "unfamiliar" not in codes["GLI-20-000"]
    assert "unfamiliar" in codes["GLI-21-000"]
    assert results["GLI-21-000"].familiarity == 0 < results["GLI-20-000"].familiarity
    with (tmp_path / "out" / "summary.csv").open() as file:
        told = {row["case"]: float(row["familiarity"]) for row in csv.DictReader(file)}
    assert told == {case: round(result.familiarity, 1) for case, result in results.items()}
    assert "Familiarity (%)" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_swapped_modalities_are_named(trained: tuple[Path, Path], tmp_path: Path) -> None:
    bundle, root = trained
    case = shutil.copytree(root / "train" / "GLI-5-000", tmp_path / "scans" / "GLI-5-000")
    change(case, lambda found: {**found, "t1c": found["t2f"], "t2f": found["t1c"]})
    (result,) = run(tmp_path / "scans", bundle, tmp_path / "out").values()
    (message,) = [finding.message for finding in result.findings if finding.check == "unfamiliar"]
    assert "with t1c and flair swapped it would be a familiar one" in message


def test_other_weights_and_no_file_are_said_once(
    trained: tuple[Path, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bundle, root = trained
    copy = shutil.copytree(bundle, tmp_path / "tiny")
    with (copy / "models" / "model.pt").open("ab") as file:
        file.write(b"0")
    scans = shutil.copytree(root / "train" / "GLI-1-000", tmp_path / "scans" / "GLI-1-000").parent
    for told in ("belongs to other weights", "there is no"):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            (result,) = run(scans, copy, tmp_path / "out").values()
        assert result.familiarity is None
        assert len([text for text in caplog.messages if told in text and "iunet-med familiarity" in text]) == 1
        (copy / "models" / "familiarity.npz").unlink(missing_ok=True)


def test_too_few_images_are_refused_with_the_first_problem(trained: tuple[Path, Path], tmp_path: Path) -> None:
    bundle, root = trained
    (root / "damaged" / "GLI-3-000" / "GLI-3-000-t2w.nii.gz").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"at least 10 images .*, got 0; .* Left out: GLI-3-000: .*t2w"):
        learn_familiarity(root / "damaged", bundle, settings=SETTINGS, series={})
