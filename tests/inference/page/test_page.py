"""The page shows every text as it is, loads nothing, and sorts and filters in a browser."""

import base64
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import numpy as np
import pytest
from PIL import Image

from iunet_med.checks.finding import Finding
from iunet_med.checks.measures import RegionMeasure
from iunet_med.inference.page.page import ReportCase, write_report

HOSTILE = "<script>alert(1)</script>"
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


def measure(volume_ml: float, name: str = "WT") -> RegionMeasure:
    return RegionMeasure(name, 2, volume_ml, (0, 1, 0, 1, 0, 1), 3, volume_ml / 2, False, None, None, None)


def cases(folder: Path) -> list[ReportCase]:
    picture = folder / "picture.png"
    Image.fromarray(np.full((30, 1800, 3), (200, 40, 40), np.uint8)).save(picture)
    good = ReportCase("case-2", "ok", (), (measure(9.5), measure(1.25, "ET")), picture, 12.5, 2048.0)
    finding = Finding("warning", "specks", f"{HOSTILE} & more")
    return [
        good,
        replace(good, name="case-10", status="warning", findings=(finding,), measures=(measure(1234.5),)),
        ReportCase(HOSTILE, "failed", (Finding("refusal", "channels", "expected 4"),), (), None, 0.25, 300.0),
        replace(good, name='"quote" onload=alert(2) \udcff', measures=(measure(88.0),)),
    ]


def write(folder: Path, listed: list[ReportCase] | None = None) -> str:
    texts = {"title": f"T {HOSTILE}", "software": "iunet-med 1", "weights": "w & w", "notice": "Research use only."}
    write_report(folder / "out" / "report.html", cases(folder) if listed is None else listed, **texts)
    return (folder / "out" / "report.html").read_text(encoding="utf-8")


class Page(HTMLParser):
    """The tags with their attributes, and the text outside of script and style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] not in ("script", "style"):
            self.texts.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_texts_stay_texts(tmp_path: Path) -> None:
    page = Page(write(tmp_path))
    assert [len(page.of(tag)) for tag in ("script", "style")] == [1, 1]
    text = "".join(page.texts)
    assert text.count(HOSTILE) == 5  # in title, heading, row, card and finding
    for expected in (f"{HOSTILE} & more", '"quote" onload=alert(2) ?', "w & w", "Research use only.", "1,234.5"):
        assert expected in text
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]


def test_page_may_load_nothing(tmp_path: Path) -> None:
    html = write(tmp_path)
    page = Page(html)
    (policy,) = [meta["content"] for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert str(policy).startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert page.of("link") == []
    assert all(str(image["src"]).startswith("data:image/jpeg;base64,") for image in page.of("img"))
    assert {str(anchor["href"])[0] for anchor in page.of("a")} == {"#"}  # no file, no link
    assert "http:" not in html
    assert "https:" not in html


def test_pictures_are_embedded_small_and_described(tmp_path: Path) -> None:
    *_, first = images = Page(write(tmp_path, cases(tmp_path)[:3])).of("img")
    assert len(images) == 2
    assert (first["width"], first["height"], first["loading"]) == ("900", "15", "lazy")
    assert first["alt"] == ("Axial, coronal and sagittal plane of case-2, with outlines of what was found: WT, ET")
    pixels = np.asarray(Image.open(BytesIO(base64.b64decode(str(first["src"]).split(",")[1]))))
    np.testing.assert_allclose(pixels.mean(axis=(0, 1)), (200, 40, 40), atol=3)


@pytest.mark.parametrize(
    "name",
    ["plain", "50%25 #1 a&b 'q'", "Ünï 患者", "javascript:alert(1)", '"><b onclick="x', "a+b;c,d?e=[f]", "\udcff"],
)
def test_links_lead_to_the_files_beside_the_page(tmp_path: Path, name: str) -> None:
    files = (f"{name}_seg.nii.gz", f"{name}_seg.dcm", f"{name}_other.x")
    page = Page(write(tmp_path, [replace(cases(tmp_path)[0], name=name, files=files)]))
    links = [str(anchor["href"]) for anchor in page.of("a") if not str(anchor["href"]).startswith("#")]
    base = "file:///scans/my%20results/report.html"
    for link, file in zip(links, files, strict=True):
        target = urlsplit(urljoin(base, link))
        assert (target.scheme, target.query, target.fragment) == ("file", "", "")
        assert unquote(target.path, errors="surrogatepass") == f"/scans/my results/{name}/{file}"
    text = "".join(page.texts)
    for kind in ("Label map (NIfTI)", "DICOM SEG", "_other.x"):
        assert kind in text
    assert not page.of("b")


def test_the_worst_comes_first_and_findings_never_bear_a_tick(tmp_path: Path) -> None:
    good, warned, failed, _ = cases(tmp_path)
    findings = tuple(Finding("warning", check, "m") for check in ("windows", "grid", "implausible-volume"))
    hidden = replace(good, name="ok-with-findings", findings=findings)
    page = Page(write(tmp_path, [good, hidden, warned, failed]))
    rows = [(row["data-name"], row["data-status"]) for row in page.of("tr") if "data-card" in row]
    assert rows == [(HOSTILE, "failed"), (hidden.name, "warning"), (warned.name, "warning"), (good.name, "ok")]
    text = "".join(page.texts)
    assert text.count("✓") == 3  # the filter's, and the good case's in its row and on its card
    places = [text.index(f"Warning: {check}") for check in ("implausible-volume", "grid", "windows")]
    assert places == sorted(places)


def test_report_replaces_the_former_one_or_leaves_it(tmp_path: Path) -> None:
    before = write(tmp_path)
    missing = replace(cases(tmp_path)[0], picture=tmp_path / "gone.png")
    with pytest.raises(FileNotFoundError, match="gone"):
        write(tmp_path, [missing])
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8") == before
    assert "0 of 0" not in write(tmp_path, [])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.html"]


def rendered(page: Path, state: str) -> str:
    """The document after its script has run, at the address with #state."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    command = [
        str(BROWSER),
        *flags,
        f"--user-data-dir={page.parent / 'profile'}",
        "--dump-dom",
        f"{page.as_uri()}#{state}",
    ]
    return subprocess.run(command, check=True, capture_output=True, timeout=180).stdout.decode()


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium here to open the page in")
@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("sort=ml WT&order=descending", ["case-10", '"quote" onload=alert(2) ?', "case-2", HOSTILE]),
        ("sort=case&name=CASE-&status=ok", ["case-2"]),
    ],
)
def test_browser_sorts_and_filters(tmp_path: Path, state: str, shown: list[str]) -> None:
    write(tmp_path)
    html = rendered(tmp_path / "out" / "report.html", state.replace(" ", "%20"))
    page = Page(html)
    rows = [row for row in page.of("tr") if "data-card" in row]
    assert [row["data-name"] for row in rows if "hidden" not in row] == shown
    assert [card["id"] for card in page.of("article")] == [row["data-card"] for row in rows]
    assert [card["id"] for card in page.of("article") if "hidden" not in card] == [
        row["data-card"] for row in rows if "hidden" not in row
    ]
    assert f"{len(shown)} of 4 cases shown" in "".join(page.texts)
    sorted_by = [
        heading["data-key"] for heading in page.of("th") if heading.get("aria-sort") in ("ascending", "descending")
    ]
    assert sorted_by == re.findall(r"sort=([^&]+)", state)
