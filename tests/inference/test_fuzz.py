"""Two hundred hostile files: each is a clean failure of its own case, and the good case beside them is done."""

import csv
import gzip
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from iunet_med.inference import segment

SUFFIXES = {"t1": "t1n", "t1c": "t1c", "t2": "t2w", "flair": "t2f"}
SETTINGS: dict[str, Any] = {"channels": [4, 8], "roi_size": [32, 32, 32], "amp": False, "spacing": [1.5, 1.5, 1.5]}
NAMES = [
    *(
        "../up",
        "a/../../b",
        "/tmp/x",
        "..",
        ".",
        "C:\\x",
        "<script>alert(1)</script>",
        '"><img src=x onerror=y>',
        "nul",
    ),
    *("com1.txt", "=HYPERLINK(1)", "@sum", "+1", "tab\tname", "zero\0name", "\x1b[2Jcleared", "x" * 300, "ä" * 100),
    *(".hidden", "end.", " space", "\u202etxt.exe", "a|b", "a?b", "a*b", "~/../x", "%2e%2e/x", "a:b", "\\\\server\\x"),
]
FIELDS = {"dim0": (40, "<h"), "dim1": (42, "<h"), "dim2": (44, "<h"), "datatype": (70, "<h")}
FIELDS |= {"vox_offset": (108, "<f"), "pixdim1": (80, "<f"), "slope": (112, "<f"), "inter": (116, "<f")}
FIELDS |= {"sform_x": (280, "<f"), "sform_y": (300, "<f"), "sform_z": (320, "<f"), "magic": (344, "<i")}


def mutants(good: Path) -> Iterator[tuple[str, bytes]]:
    """Yield a file's ending and content, made from a good NIfTI file."""
    packed = good.read_bytes()
    plain = gzip.decompress(packed)
    for part in np.linspace(0, 0.98, 45):
        yield ".nii.gz", packed[: int(part * len(packed))]
        yield ".nii", plain[: int(part * len(plain))]
    for offset, kind in (FIELDS[name] for name in ("dim0", "dim1", "dim2", "datatype", "magic")):
        for value in (0, -1, 9, 32767, -32768):
            yield ".nii", _with(plain, offset, kind, value)
    for name in ("sform_x", "sform_y", "sform_z"):
        for value in (np.nan, np.inf, -np.inf, 1e30):
            yield ".nii", _with(plain, FIELDS[name][0], "<f", value)
    for value in (np.nan, np.inf, 1e30, -1e9):
        yield ".nii", _with(plain, FIELDS["vox_offset"][0], "<f", value)
    for ending in (".nrrd", ".mha", ".nii", ".nii.gz"):
        for content in (b"", b"\0" * 400, b"<html></html>", b"\x89PNG\r\n\x1a\n" + b"\0" * 60, b"{}" * 200, b"PK\3\4"):
            yield ending, content
    yield ".nii.gz", plain
    yield ".nii", packed
    yield ".nrrd", plain
    yield ".mha", packed
    for flip in range(40):
        damaged = bytearray(packed)
        damaged[len(packed) // 4 + flip * len(packed) // 60] ^= 0xFF
        yield ".nii.gz", bytes(damaged)


def itk_mutants(good: Path, folder: Path) -> Iterator[tuple[str, bytes]]:
    image = SimpleITK.ReadImage(str(good))
    for ending in (".nrrd", ".mha"):
        SimpleITK.WriteImage(image, str(folder / f"whole{ending}"))
        whole = (folder / f"whole{ending}").read_bytes()
        for part in (0.01, 0.1, 0.5, 0.99):
            yield ending, whole[: int(part * len(whole))]
        for size in (b"0", b"-5", b"99999999", b"999999999999999999999", b"nan"):
            yield ending, whole.replace(b"22 24 20", size + b" 24 20", 1)


def _with(plain: bytes, offset: int, kind: str, value: float) -> bytes:
    changed = bytearray(plain)
    struct.pack_into(kind, changed, offset, value)
    return bytes(changed)


@pytest.mark.slow
def test_each_hostile_file_fails_alone(heads: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    files = {name: heads / "GLI-1-000" / f"GLI-1-000-{suffix}.nii.gz" for name, suffix in SUFFIXES.items()}
    (tmp_path / "bad").mkdir()
    cases = {"good": {name: str(path) for name, path in files.items()}}
    contents = [*mutants(files["t1c"]), *itk_mutants(files["t1c"], tmp_path)]
    for number, (ending, content) in enumerate(contents):
        path = tmp_path / "bad" / f"{number}{ending}"
        path.write_bytes(content)
        cases[f"bad-{number:03d}"] = {**cases["good"], "t1c": str(path)}
    rows = [{"case": name, **paths} for name, paths in [*cases.items(), *((name, cases["good"]) for name in NAMES)]]
    assert len(rows) > 200
    with (tmp_path / "list.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for row in rows if "\0" not in row["case"])
    before = set(tmp_path.rglob("*"))
    results = segment(
        tmp_path / "list.csv", output=tmp_path / "results", bundle=tiny_bundle, settings=SETTINGS, device="cpu"
    )
    by_name = {result.case: result for result in results}
    assert by_name["good"].status != "failed", by_name["good"].reason
    assert [name for name, result in by_name.items() if result.status != "failed"] == ["good"]
    for result in results:
        assert "\n" not in result.reason
        assert len(result.reason) <= 1000
    outside = {path for path in tmp_path.rglob("*") if path not in before} - set((tmp_path / "results").rglob("*"))
    assert outside == {tmp_path / "results"}
    assert "<script>alert" not in (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    good = nib.load(tmp_path / "results" / "good" / "good_seg.nii.gz")
    assert good.shape == nib.load(files["t1"]).shape
