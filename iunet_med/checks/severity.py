"""The order in which findings are shown: the worst first."""

from collections.abc import Iterable

from iunet_med.checks.finding import Finding

_OF_THE_RESULT = ("implausible-volume", "empty-mask", "many-parts", "specks")
"""Warnings that the label map itself may be wrong."""
_OF_THE_RUN = ("spacing", "thin", "many-voxels", "windows", "dicom-seg")
"""Warnings that say how a result was made or what was not written; the label map is most likely right."""


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings: refusals, then warnings of the result, of the input, and of how it was run.

    Findings of one kind keep their order.
    """
    return tuple(sorted(findings, key=_rank))


def _rank(finding: Finding) -> int:
    if finding.level == "refusal":
        return 0
    if finding.check in _OF_THE_RESULT:
        return 1
    return 3 if finding.check in _OF_THE_RUN else 2
