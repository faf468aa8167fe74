"""The report of a run: one HTML page that needs nothing else."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from hashlib import sha256
from html import escape
from importlib import resources
from io import BytesIO
from pathlib import Path
from string import Template
from typing import Literal
from urllib.parse import quote

from PIL import Image

from iunet_med.checks.finding import Finding
from iunet_med.checks.measures import RegionMeasure
from iunet_med.checks.severity import worst_first
from iunet_med.files import replacing

_MARKS = {"failed": "✕", "warning": "!", "ok": "✓"}  # what needs a look comes first
_KINDS = {
    "_seg.nii.gz": "Label map (NIfTI)",
    "_seg.nrrd": "Label map (NRRD)",
    "_seg.dcm": "DICOM SEG",
    "_prob.nii.gz": "Probabilities",
    "_seg.png": "Picture",
    "_seg.json": "Details (JSON)",
}
"""What a link says, by how the file's name ends; of others it is the name."""
_PICTURE_PIXELS = 900
_ABSENT = ' class="absent"'


@dataclass(frozen=True)
class ReportCase:
    """One case of the report.

    Args:
        name: the case's name; any text.
        status: "failed" cases have no segmentation; a case with findings is shown as one with a warning at least.
        findings: what the checks said, refusals and the error of a failed case included.
        measures: one per label; empty for a failed case.
        picture: a PNG or JPEG file to embed; None where there is none.
        seconds: wall time.
        peak_mib: peak memory in MiB.
        familiarity: the percentage of training images that are as unusual; None where they are not known.
        files: names of the case's files, in the folder of its name beside the page, which are linked.
    """

    name: str
    status: Literal["ok", "warning", "failed"]
    findings: tuple[Finding, ...]
    measures: tuple[RegionMeasure, ...]
    picture: Path | None
    seconds: float
    peak_mib: float
    familiarity: float | None = None
    files: tuple[str, ...] = ()


def write_report(
    path: str | Path, cases: Sequence[ReportCase], *, title: str, software: str, weights: str, notice: str
) -> None:
    """Write one page that loads nothing; it appears complete or not at all.

    It holds a table of all cases, which sorts by each column and is filtered by name and status, and a card per case
    with its picture, findings, measures and links to its files. The worst comes first, of the cases and of the findings
    of each. The filter and the order are in the address after #. All texts are shown
    as they are: nothing in them becomes a part of the page. Pictures are kept as JPEG, 900 pixels wide at most.

    Args:
        path: the HTML file.
        cases: in any order; those with the same status keep theirs.
        title: the page's heading.
        software: the program and its version.
        weights: which weights were used.
        notice: what a reader must know, such as "Research use only. The weights were trained on simulated data."

    Raises:
        FileNotFoundError: a picture is missing.
    """
    style, script, page = (
        resources.files("iunet_med.inference.page").joinpath(f"page.{ending}").read_text(encoding="utf-8")
        for ending in ("css", "js", "html")
    )
    cases = sorted((_honest(case) for case in cases), key=lambda case: list(_MARKS).index(case.status))
    labels = list(dict.fromkeys(measure.name for case in cases for measure in case.measures))
    html = Template(page).substitute(
        policy=_policy(style, script),
        style=style,
        script=script,
        **{name: escape(text) for name, text in _texts(title, software, weights, notice).items()},
        statuses=_statuses(cases),
        headings=_headings(labels),
        rows="\n".join(_row(number, case, labels) for number, case in enumerate(cases)),
        cards="\n".join(_card(number, case) for number, case in enumerate(cases)),
    )
    with replacing(path) as temporary:
        temporary.write_text(html, encoding="utf-8", errors="replace", newline="\n")  # names may hold lone surrogates


def _honest(case: ReportCase) -> ReportCase:
    """The same case with the worst finding first, and no mark of success where there are findings."""
    status = "warning" if case.status == "ok" and case.findings else case.status
    return replace(case, status=status, findings=worst_first(case.findings))


def _texts(title: str, software: str, weights: str, notice: str) -> dict[str, str]:
    written = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return {"title": title, "software": software, "weights": weights, "notice": notice, "written": written}


def _policy(style: str, script: str) -> str:
    """Allow this script, this style and embedded pictures, and nothing else: no request leaves the page."""
    style_hash, script_hash = (b64encode(sha256(text.encode()).digest()).decode() for text in (style, script))
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{style_hash}'; script-src 'sha256-{script_hash}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _statuses(cases: Sequence[ReportCase]) -> str:
    choices = {"": "All", **{status: f"{mark} {status}" for status, mark in _MARKS.items()}}
    counts = {status: sum(status in ("", case.status) for case in cases) for status in choices}
    return "".join(
        f'<label><input type="radio" name="status" value="{status}"{" checked" * (not status)}>{text} '
        f'<span class="count">{counts[status]}</span></label>'
        for status, text in choices.items()
    )


def _headings(labels: Sequence[str]) -> str:
    columns = [
        *(("case", "text", "Case"), ("status", "number", "Status"), ("findings", "number", "Findings")),
        *((f"ml {label}", "number", label) for label in labels),
        *(
            ("familiarity", "number", "Familiarity (%)"),
            ("seconds", "number", "Seconds"),
            ("memory", "number", "Memory (MiB)"),
        ),
    ]
    return "".join(
        f'<th scope="col" aria-sort="none" data-key="{escape(key)}" data-kind="{kind}">'
        f'<button type="button">{_name(text)}</button></th>'
        for key, kind, text in columns
    )


def _row(number: int, case: ReportCase, labels: Sequence[str]) -> str:
    volumes = {measure.name: measure.volume_ml for measure in case.measures}
    cells = [
        (f"{list(_MARKS).index(case.status)}", _badge(case.status)),
        (f"{len(case.findings)}", f"{len(case.findings)}"),
        *((f"{float(volumes[label])!r}", _ml(volumes[label])) if label in volumes else ("", "") for label in labels),
        ("", "") if case.familiarity is None else (f"{case.familiarity!r}", f"{case.familiarity:.0f}"),
        (f"{float(case.seconds)!r}", f"{case.seconds:,.1f}"),
        (f"{float(case.peak_mib)!r}", f"{case.peak_mib:,.0f}"),
    ]
    name = escape(case.name)
    return (
        f'<tr data-card="case-{number}" data-name="{name}" data-status="{case.status}">'
        f'<th scope="row" data-value="{name}"><a href="#case-{number}" title="{name}">{_name(case.name)}</a></th>'
        + "".join(f'<td data-value="{value}">{text}</td>' for value, text in cells)
        + "</tr>"
    )


def _card(number: int, case: ReportCase) -> str:
    findings = "".join(
        f'<li class="{finding.level}"><b>{finding.level.capitalize()}: {escape(finding.check)}</b>'
        f"{escape(finding.message)}</li>"
        for finding in case.findings
    )
    parts = [_figure(case), _measures(case.measures)]
    return (
        f'<article id="case-{number}" aria-labelledby="name-{number}">'
        f'<header><h2 id="name-{number}">{_name(case.name)}</h2>{_badge(case.status)}</header>'
        + (f'<ul class="findings" aria-label="Findings">{findings}</ul>' if findings else "")
        + f'<div class="body{"" if all(parts) else " alone"}">{"".join(parts)}</div>'
        + _links(case)
        + f"<footer>{case.seconds:,.1f} s, at most {case.peak_mib:,.0f} MiB</footer></article>"
    )


def _links(case: ReportCase) -> str:
    """Links relative to the page; each part of a path is quoted, so that no character of a name has a meaning."""
    links = "".join(
        f'<li><a href="./{escape(_quoted(case.name))}/{escape(_quoted(file))}" title="{escape(file)}">'
        f"{_name(_kind(file, case.name))}</a></li>"
        for file in case.files
    )
    return f'<ul class="files" aria-label="Files">{links}</ul>' if links else ""


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _kind(file: str, case: str) -> str:
    return _KINDS.get(file.removeprefix(case), file)


def _figure(case: ReportCase) -> str:
    if case.picture is None:
        return ""
    packed = BytesIO()
    with Image.open(case.picture) as picture:
        picture.thumbnail((_PICTURE_PIXELS, 2 * _PICTURE_PIXELS))
        picture.convert("RGB").save(packed, "JPEG", quality=82, subsampling=0, optimize=True)
        width, height = picture.size
    found = ", ".join(measure.name for measure in case.measures if measure.components) or "nothing"
    text = escape(f"Axial, coronal and sagittal plane of {case.name}, with outlines of what was found: {found}")
    return (
        f'<figure><img loading="lazy" width="{width}" height="{height}" alt="{text}" '
        f'src="data:image/jpeg;base64,{b64encode(packed.getvalue()).decode()}"></figure>'
    )


def _measures(measures: Sequence[RegionMeasure]) -> str:
    if not measures:
        return ""
    rows = "".join(
        f'<tr{"" if measure.components else _ABSENT}><th scope="row">{_name(measure.name)}</th>'
        f"<td>{_ml(measure.volume_ml)}</td><td>{measure.components:,}</td><td>{_ml(measure.largest_ml)}</td></tr>"
        for measure in measures
    )
    headings = "".join(f'<th scope="col">{text}</th>' for text in ("Label", "Volume (ml)", "Parts", "Largest (ml)"))
    return (
        '<div class="measures" role="region" aria-label="Measures" tabindex="0">'
        f"<table><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _badge(status: str) -> str:
    return f'<span class="status {status}"><span aria-hidden="true">{_MARKS[status]}</span>{status}</span>'


def _name(text: str) -> str:
    """A name of any script, which does not turn the direction of what is around it."""
    return f"<bdi>{escape(text)}</bdi>"


def _ml(volume: float) -> str:
    return f"{volume:,.1f}" if volume >= 100 else f"{volume:.2f}" if volume >= 0.1 or not volume else f"{volume:.2g}"
