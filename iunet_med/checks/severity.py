"""The order in which findings are shown: the worst first."""

from collections.abc import Iterable

from iunet_med.checks.finding import Finding

WORST = (
    *("implausible-volume", "tumour-volume", "no-core", "empty-mask", "many-parts", "specks"),
    *("unsure", "unfamiliar", "missing-modality", "swapped", "copy", "coverage", "outlier", "background"),
)
"""Warnings that the label map may be wrong, the surest sign first: of the result, then of the input."""
LEAST = ("spacing", "thin", "many-voxels", "windows", "borders", "dicom-seg")
"""Warnings that say how a result was made or what was not written; the label map is most likely right."""


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings: refusals, then warnings that the label map may be wrong, others, and how it was made.

    Findings of one kind keep their order.
    """
    return tuple(sorted(findings, key=_rank))


def _rank(finding: Finding) -> int:
    if finding.level == "refusal":
        return -1
    if finding.check in WORST:
        return WORST.index(finding.check)
    return len(WORST) + (finding.check in LEAST)
