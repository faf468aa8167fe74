"""Measures the images that a bundle was trained on, and keeps that beside its weights."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from iunet_med.datasets.problems import first_cause
from iunet_med.familiarity import Reference
from iunet_med.familiarity.reference import FILE
from iunet_med.inference.bundle import open_bundle
from iunet_med.inference.case import prepare
from iunet_med.inference.familiar import case_features
from iunet_med.inference.intake.contents import data_folder
from iunet_med.inference.intake.inputs import dicom_contents
from iunet_med.inference.intake.sources import list_sources
from iunet_med.inference.options import Job


def learn_familiarity(
    given: Path,
    bundle: str | Path,
    *,
    settings: Mapping[str, Any],
    series: Mapping[str, str],
    trust: bool = False,
    on_start: Callable[[int], object] = lambda _count: None,
    on_case: Callable[[], object] = lambda: None,
) -> tuple[Path, dict[str, str], int]:
    """Write `familiarity.npz` beside the weights; return its path, what is wrong with images left out, and the count.

    Args:
        given: the training images, a folder or list as `segment` takes them.
        bundle: the bundle's folder, or the name of one that comes with the package.
        settings: config ids and their values, as for `segment`.
        series: patterns of files or DICOM series by modality.
        trust: whether to use configs that this project did not ship and that could run any code.
        on_start, on_case: called with the number of images, and after each.

    Raises:
        ValueError: fewer than ten images can be used, or the network is no `IUNet`.
    """
    folder = data_folder(given, series)
    parts = open_bundle(bundle, settings=settings, dataset_dir=folder, trust=trust)
    sources = list_sources(given, parts.layout, series=series)
    on_start(len(sources))
    features, problems = [], {}
    for source in sources:
        try:
            if source.problem:
                raise ValueError(source.problem)
            case = prepare(source, parts, Job(), key="", contents=dicom_contents(source))
            features.append(case_features(case.image.as_tensor(), parts))
        except Exception as error:  # a damaged image can fail in any way, and the others go on
            if not isinstance(cause := first_cause(error), ValueError | OSError):
                raise
            problems[source.name] = " ".join(str(cause).split())
        on_case()
    try:
        reference = Reference.of(
            torch.stack(features) if features else torch.empty(0, 0), weights_sha256=parts.weights_sha256
        )
    except ValueError as error:
        told = "".join(f" Left out: {name}: {problem}" for name, problem in list(problems.items())[:1])
        raise ValueError(f"{error}{told}") from error
    path = parts.checkpoint.with_name(FILE)
    reference.write(path)
    return path, problems, len(features)
