"""What is written beside a segmentation: how it was made and what it holds; the mark that a case is finished."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from iunet_med.checks.finding import Finding
from iunet_med.checks.measures import RegionMeasure
from iunet_med.files import replacing

Status = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class CaseResult:
    """How a case ended.

    Args:
        case: its name.
        status: "warning" if there are findings, "failed" if there is no segmentation.
        reason: of a failure, one line.
        findings: what the checks said.
        measures: one per region; a region that holds others is measured with them.
        files: names of what was written, in the case's folder.
        seconds: of reading, computing and writing.
        peak_mib: the most memory while it ran: the GPU's where one was used, else the program's.
        key: says by which inputs, weights, configs and options it was made.
        familiarity: the percentage of training images that are as unusual as this one; None where they are not known.
        made_by: the same for people: versions, digests and the meaning of the label values.
    """

    case: str
    status: Status
    reason: str
    findings: tuple[Finding, ...]
    measures: tuple[RegionMeasure, ...]
    files: tuple[str, ...]
    seconds: float
    peak_mib: float
    key: str
    made_by: Mapping[str, Any]
    familiarity: float | None = None


def sidecar_path(output: Path, case: str) -> Path:
    """Where a case's sidecar lies."""
    return output / case / f"{case}_seg.json"


def write_sidecar(output: Path, result: CaseResult) -> None:
    """Write a case's result; it comes last, so a case with a sidecar is complete."""
    with replacing(sidecar_path(output, result.case)) as temporary:
        temporary.write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")


def read_sidecar(output: Path, case: str) -> CaseResult | None:
    """Read a case's result; None where there is none, or another version wrote it."""
    path = sidecar_path(output, case)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        findings = tuple(Finding(**one) for one in content.pop("findings"))
        measures = tuple(
            RegionMeasure(**{**one, "bounding_box": tuple(one["bounding_box"])}) for one in content.pop("measures")
        )
        return CaseResult(findings=findings, measures=measures, files=tuple(content.pop("files")), **content)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):  # not ours, or of another version: the case is run again
        return None


def finished(output: Path, case: str, key: str) -> CaseResult | None:
    """The result of an earlier run with the same key whose files are all there."""
    result = read_sidecar(output, case)
    if result is None or result.status == "failed" or result.key != key:
        return None
    return result if all((output / case / name).is_file() for name in result.files) else None
