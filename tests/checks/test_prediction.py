"""Implausible results are reported, the worst first."""

import pytest

from iunet_med.checks.measures import RegionMeasure
from iunet_med.checks.prediction import check_labels


def measure(volume_ml: float, components: int = 1, name: str = "ET") -> RegionMeasure:
    return RegionMeasure(
        name, 3, volume_ml, (0, 1, 0, 1, 0, 1) if components else (), components, volume_ml, False, None, None, None
    )


@pytest.mark.parametrize(
    ("measures", "found"),
    [
        ([measure(30), measure(0, 0, "TC")], []),
        ([measure(0, 0), measure(0, 0, "TC")], ["empty-mask"]),
        ([measure(0.008)], ["specks"]),
        ([measure(30, 501)], ["many-parts"]),
        ([measure(900)], ["implausible-volume"]),
        ([measure(1622, name="WT"), measure(40, name="TC")], ["tumour-volume", "implausible-volume"]),
        ([measure(623, name="WT"), measure(0, 0, "TC")], ["tumour-volume", "no-core"]),
        ([measure(140, name="WT"), measure(0, 0, "TC")], []),
        ([measure(390, name="WT"), measure(20, name="TC")], []),
        ([measure(700, name="liver")], []),
    ],
)
def test_label_maps(measures: list[RegionMeasure], found: list[str]) -> None:
    findings = check_labels(measures, volume_ml=1300)
    assert [(finding.level, finding.check) for finding in findings] == [("warning", check) for check in found]


def test_empty_mask_names_what_was_looked_for() -> None:
    (finding,) = check_labels([measure(0, 0), measure(0, 0, "TC")], volume_ml=1300)
    assert finding.message.startswith("nothing was found of ET, TC; look at the image")
