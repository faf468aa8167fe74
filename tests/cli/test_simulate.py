"""Simulated cases are those that were asked for."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from iunet_med.cli import app
from iunet_med.datasets import dataset_layout, list_cases

SPACING = "4"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["simulate"], "OUT"),
        (["simulate", "out", "--cases", "0"], "Invalid value for '--cases'"),
        (["simulate", "out", "--seed", "-1"], "Invalid value for '--seed'"),
        (["simulate", "out", "--spacing", "9"], "Invalid value for '--spacing'"),
        (["simulate", "out", "--layout", "dicom"], "'brats23', 'msd'"),
    ],
)
def test_bad_arguments_exit_with_2(arguments: list[str], text: str) -> None:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
    assert result.exit_code == 2
    assert text in result.output


def test_simulated_cases_are_named_by_seed_and_have_the_spacing(dataset: Path) -> None:
    cases = list_cases(str(dataset), dataset_layout("brats23"))
    assert [case["case"] for case in cases] == ["Simulated-00005-000", "Simulated-00006-000"]
    assert nib.load(cases[0]["label"]).header.get_zooms() == (4, 4, 4)


def test_both_layouts_hold_the_same_patient(dataset: Path, tmp_path: Path) -> None:
    arguments = ["simulate", str(tmp_path), "--cases", "1", "--seed", "5", "--spacing", SPACING]
    assert CliRunner().invoke(app, [*arguments, "--layout", "msd"]).exit_code == 0
    (msd,) = list_cases(str(tmp_path), dataset_layout("msd"))
    brats, _ = list_cases(str(dataset), dataset_layout("brats23"))
    channels = np.asarray(nib.load(msd["image"]).dataobj)
    for name, path in zip(brats["modalities"], brats["image"], strict=True):
        np.testing.assert_array_equal(channels[..., msd["modalities"].index(name)], np.asarray(nib.load(path).dataobj))
