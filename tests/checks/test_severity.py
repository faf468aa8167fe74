"""Findings are sorted from the worst to the least."""

from pathlib import Path

from iunet_med.checks.finding import refusal, warning
from iunet_med.checks.severity import LEAST, WORST, worst_first


def test_refusals_come_first_then_doubts_of_the_result() -> None:
    checks = ("spacing", "grid", "swapped", "uneven-slices", "empty-mask", "tumour-volume", "windows")
    findings = [*(warning(check, "m") for check in checks), refusal("error", "m")]
    order = ["error", "tumour-volume", "empty-mask", "swapped", "grid", "uneven-slices", "spacing", "windows"]
    assert [finding.check for finding in worst_first(findings)] == order
    assert worst_first([]) == ()


def test_every_ranked_warning_is_one_of_the_table() -> None:
    table = (Path(__file__).parents[2] / "docs" / "reference" / "checks.md").read_text(encoding="utf-8")
    assert [check for check in (*WORST, *LEAST) if f"`{check}`" not in table] == []
