"""Findings are sorted from the worst to the least."""

from iunet_med.checks.finding import refusal, warning
from iunet_med.checks.severity import worst_first


def test_refusals_come_first_then_doubts_of_the_result() -> None:
    checks = ("spacing", "grid", "qform", "empty-mask", "implausible-volume", "windows")
    findings = [*(warning(check, "m") for check in checks), refusal("error", "m")]
    order = ["error", "empty-mask", "implausible-volume", "grid", "qform", "spacing", "windows"]
    assert [finding.check for finding in worst_first(findings)] == order
    assert worst_first([]) == ()
