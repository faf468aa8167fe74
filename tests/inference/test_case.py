"""A case's key follows what its result depends on, and regions are measured with those nested in them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iunet_med.inference.bundle import Bundle, open_bundle
from iunet_med.inference.case import SOFT_TISSUE_HU, Job, case_key, count_body, measure_regions
from iunet_med.inference.intake.inputs import files_digest
from iunet_med.inference.intake.source import Source


def key_of(source: Source, bundle: Bundle, job: Job, *, version: str) -> str:
    return case_key(source, bundle, job, inputs_sha256=files_digest(source, {}), version=version)


TINY: dict[str, Any] = {"channels": [4, 8], "roi_size": [16, 16, 16], "amp": False}


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return open_bundle(tiny_bundle, settings=TINY, device="cpu")


def test_the_key_follows_content_and_not_names(bundle: Bundle, tmp_path: Path) -> None:
    for name, content in (("a", "1"), ("same", "1"), ("b", "2")):
        (tmp_path / name).write_text(content)
    sources = {name: Source(name, {"t1": tmp_path / name}) for name in ("a", "same", "b")}
    key = key_of(sources["a"], bundle, Job(), version="1")
    assert key == key_of(sources["same"], bundle, Job(), version="1")
    others = [
        key_of(sources["b"], bundle, Job(), version="1"),
        key_of(sources["a"], bundle, Job(nrrd=True), version="1"),
        key_of(sources["a"], bundle, Job(), version="2"),
        key_of(sources["a"], replace(bundle, weights_sha256="other"), Job(), version="1"),
        key_of(sources["a"], replace(bundle, config_sha256="other"), Job(), version="1"),
    ]
    assert len({key, *others}) == 6


def test_regions_hold_the_regions_nested_in_them(bundle: Bundle) -> None:
    labels = np.zeros((6, 6, 6), np.uint8)
    labels[1:5, 1:5, 1:5] = 2
    labels[2:4, 2:4, 2:4] = 1
    labels[2, 2, 2] = 3
    measures = measure_regions(labels, np.diag([10.0, 10, 10, 1]), bundle)
    assert {m.name: (m.value, m.volume_ml, m.components) for m in measures} == {
        "ET": (3, pytest.approx(1), 1),
        "TC": (1, pytest.approx(8), 1),
        "WT": (2, pytest.approx(64), 1),
    }


def test_a_body_is_fat_and_muscle_but_neither_lung_nor_air() -> None:
    air, lung, fat, muscle = -1000.0, -550.0, -120.0, 50.0
    assert count_body(np.array([air, lung, fat, muscle]), "CT") == 2
    assert count_body(np.array([0.0, 0.0, 3.0]), "MR") == 1


def test_the_window_of_pictures_is_the_abdomen_s() -> None:
    assert (sum(SOFT_TISSUE_HU) / 2, SOFT_TISSUE_HU[1] - SOFT_TISSUE_HU[0]) == (40, 400)
