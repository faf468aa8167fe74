"""The tumour bundle's shipped weights on real MRI: agreement with labels, modalities missing, false alarms."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.tables import markdown
from iunet_med.datasets import NamedLayout, list_cases
from iunet_med.inference import CaseResult, segment
from iunet_med.volumes import read_volume

BUNDLE = "iunet_brats_mri"
MODALITIES = ("t1", "t1c", "t2", "flair")
REFERENCE = {"ET": (3, 4), "TC": (1, 3, 4), "WT": (1, 2, 3, 4)}
"""Values of BraTS, those of before and after 2023."""
FOUND = {"ET": (3,), "TC": (1, 3), "WT": (1, 2, 3)}
MISSING = ((), ("t1",), ("t1", "t2"), ("t1c",), ("t1c", "t2"), ("t1", "t1c", "t2"))
"""What else there may be: FLAIR and T1c, T1 and FLAIR, FLAIR alone."""
COLUMNS = (
    "case",
    "without",
    *(f"Dice {region}" for region in REFERENCE),
    "WT, ml",
    "reference, ml",
    "familiarity, %",
    "status",
)


def table(tumours: Path | None, healthy: Path | None, *, quick: bool = False) -> str:
    """Return the tables in Markdown; `quick` leaves no modality out."""
    if tumours is None:
        return (
            "Open: give by `--tumours FOLDER` cases of t1, t1c, t2, flair and a label, *fusion.nii.gz or *seg.nii.gz, "
            "and by `--healthy FOLDER` heads without tumour."
        )
    found = [
        row for case in _cases(tumours) for missing in MISSING[: 1 if quick else None] for row in _row(case, missing)
    ]
    text = (
        f"Agreement of {BUNDLE}, whose weights have seen simulated tumours, with the labels of real cases. A modality "
        "that is missing is an empty image.\n\n" + markdown(COLUMNS, found)
    )
    if healthy is not None:
        alarms = [(r.case, f"{_volume(r):.1f}", _percent(r), r.status) for r in _segmented(healthy, allow_missing=())]
        columns = ("head without tumour", "WT, ml", "familiarity, %", "status")
        text += "\n\nFalse alarms:\n\n" + markdown(columns, alarms)
    return text


def _cases(folder: Path) -> list[dict[str, Path]]:
    """Each case's files by modality, and its label, at `label`."""
    layout = NamedLayout(modalities=dict.fromkeys(MODALITIES, ""), regions=FOUND)
    cases = []
    for case in list_cases(str(folder), layout, labelled=False, zero_background=True):
        files = dict(zip(case["modalities"], map(Path, case["image"]), strict=True))
        beside = files["flair"].parent
        labels = [path for pattern in ("*fusion.nii*", "*seg.nii*") for path in sorted(beside.glob(pattern))]
        if labels:
            cases.append({**files, "label": labels[0]})
    return cases


def _row(case: dict[str, Path], missing: Sequence[str]) -> Iterator[tuple[object, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        name = case["label"].name.split(".")[0]
        for modality in (one for one in MODALITIES if one not in missing):
            link = Path(folder, "scans", name, f"{modality}.nii.gz")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(case[modality].resolve())
        (result,) = _segmented(Path(folder, "scans"), allow_missing=missing, output=Path(folder, "results"))
        if result.status == "failed":
            yield name, ", ".join(missing) or "-", *["-"] * 5, "-", result.reason
            return
        labels = np.asarray(read_volume(Path(folder, "results", result.case, f"{result.case}_seg.nii.gz")).array)
    true = np.asarray(read_volume(case["label"]).array)
    pairs = [(np.isin(labels, FOUND[region]), np.isin(true, values)) for region, values in REFERENCE.items()]
    dice = [2 * (a & b).sum() / max(1, a.sum() + b.sum()) for a, b in pairs]
    reference = (
        np.isin(true, REFERENCE["WT"]).sum() * abs(np.linalg.det(read_volume(case["label"]).affine[:3, :3])) / 1000
    )
    shown = [f"{value:.2f}" for value in dice]
    yield (
        name,
        ", ".join(missing) or "-",
        *shown,
        f"{_volume(result):.0f}",
        f"{reference:.0f}",
        _percent(result),
        result.status,
    )


def _segmented(folder: Path, *, allow_missing: Sequence[str], output: Path | None = None) -> list[CaseResult]:
    with tempfile.TemporaryDirectory() as other:
        options = {"bundle": BUNDLE, "device": "cpu", "allow_missing": list(allow_missing)}
        return list(segment(folder, output=output or other, **options))


def _volume(result: CaseResult) -> float:
    return sum(measure.volume_ml for measure in result.measures if measure.name == "WT")


def _percent(result: CaseResult) -> str:
    return "-" if result.familiarity is None else f"{result.familiarity:.0f}"
