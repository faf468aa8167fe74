"""Damaged and hostile DICOM files are left out or refused; no other error comes of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from iunet_med.volumes.dicom import find_series, read_series


def mutants(good: bytes) -> Iterator[bytes]:
    """Yield contents made from a good file: cut off, with bytes turned over, with absurd numbers."""
    for part in np.linspace(0, 0.99, 30):
        yield good[: int(part * len(good))]
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(good)
        for place in rng.integers(132, len(good), size=3):
            damaged[place] ^= int(rng.integers(1, 256))
        yield bytes(damaged)
    rows = good.index(b"\x28\x00\x10\x00US")
    for size in (b"\xff\xff", b"\x00\x00", b"\x01\x00"):
        yield good[: rows + 8] + size + good[rows + 10 :]
    yield from (b"", b"\0" * 200, b"\0" * 128 + b"DICM", b"<html></html>" * 40, good[132:])


@pytest.mark.filterwarnings("ignore")
def test_one_damaged_slice_is_left_out_or_refuses_its_series(tmp_path: Path, write: Callable[..., list[Path]]) -> None:
    files = write(tmp_path)
    good = files[2].read_bytes()
    outcomes, told = set(), []
    for content in mutants(good):
        files[2].write_bytes(content)
        found = find_series(tmp_path)
        outcomes |= {"left out"} if found.left_out else set()
        for series in found.series:
            try:
                read_series(series)
                outcomes.add("read")
            except ValueError as error:
                outcomes.add("refused")
                told.append(str(error))
    assert not any("SECRET" in text.upper() for text in told)
    assert outcomes == {"left out", "read", "refused"}
