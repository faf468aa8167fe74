"""One case in three steps that run beside those of other cases: read, compute, write."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor
from numpy.typing import NDArray
from torch import Tensor

from iunet_med.checks.file import Modality
from iunet_med.checks.finding import Finding
from iunet_med.checks.measures import RegionMeasure, measure_labels
from iunet_med.checks.prediction import check_certainty, check_labels
from iunet_med.checks.severity import worst_first
from iunet_med.inference.bundle import Bundle
from iunet_med.inference.familiar import familiarity
from iunet_med.inference.intake.inputs import Channels, read_case
from iunet_med.inference.intake.source import Source
from iunet_med.inference.options import Job
from iunet_med.inference.results.outputs import Outputs, write_outputs
from iunet_med.inference.results.sidecar import CaseResult
from iunet_med.inference.windows.expected_dice import ExpectedDice
from iunet_med.inference.windows.labels_between import labels_between, pays_off
from iunet_med.inference.windows.peak_memory import peak_mib, reset_peak
from iunet_med.inference.windows.probabilities import Probabilities
from iunet_med.inference.windows.slabs import output_slabs, slab_labels
from iunet_med.inference.windows.whole_volume import reason_against_one_piece
from iunet_med.pictures.shown import shown_regions
from iunet_med.volumes.grid import voxel_ml
from iunet_med.volumes.nearest import labels_on_grid

SOFT_TISSUE_HU = (-160.0, 240.0)
"""The usual window of the abdomen: level 40, width 400."""
BODY_HU = -500.0
"""Between air and lung (-1000 to -500 HU) and fat (-120 to -90 HU)."""


@dataclass(frozen=True)
class Prepared:
    """A case that was read: the network's input (C, D, H, W), and by modality the channels that the report shows.

    `body_voxels` counts those of the first channel that are not background; `header` is that of the first file, which
    results are written with.
    """

    source: Source
    key: str
    image: MetaTensor
    shown: Mapping[str, NDArray[np.float32]]
    body_voxels: int
    affine: NDArray[np.float64]
    header: nib.Nifti1Header | None
    findings: tuple[Finding, ...]
    seconds: float


@dataclass(frozen=True)
class Computed:
    """A case's label map (X, Y, Z) on the input's grid; called, `probabilities` returns these, (K, X, Y, Z).

    `familiarity` is the percentage of training images that are as unusual as this one, if they are known.
    """

    prepared: Prepared
    labels: NDArray[np.uint8]
    probabilities: Callable[[], NDArray[np.float32]] | None
    findings: tuple[Finding, ...]
    familiarity: float | None
    seconds: float
    peak_mib: float


def case_key(source: Source, bundle: Bundle, job: Job, *, inputs_sha256: str, version: str) -> str:
    """Say in 64 digits by what a case's results are made: inputs, weights, configs, options, the program's version."""
    made_of: list[Any] = [
        inputs_sha256,
        list(source.files),
        source.channels,
        bundle.weights_sha256,
        bundle.config_sha256,
    ]
    if bundle.reference is not None:
        made_of.append(bundle.reference.held_out.tolist())
    # the layout is found by the folder's content, and its label values become those of the results
    regions = {name: list(values) for name, values in bundle.layout.regions.items()}
    text = json.dumps([*made_of, regions, vars(job), version], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def prepare(source: Source, bundle: Bundle, job: Job, *, key: str, contents: MutableMapping[Path, bytes]) -> Prepared:
    """Read, check and preprocess a case as the bundle's config says.

    Args:
        source: the case.
        bundle: what it is segmented by.
        job: what is asked for.
        key: as from `case_key`.
        contents: of its DICOM files; each is taken out when it is used.

    Raises:
        ValueError: the case cannot be used.
    """
    start = time.perf_counter()
    names = tuple(bundle.layout.modalities)
    if job.dicom_seg and source.series:  # a segmentation is written by the headers of the series whose grid it has
        first = source.present(names)[0]
        described = {name: one.with_headers(contents) for name, one in source.series.items() if name == first}
        source = replace(source, series={**source.series, **described})
    volume = read_case(
        source,
        names,
        modality=bundle.modality,
        zero_background=bundle.zero_background,
        resample_uneven=job.resample_uneven,
        contents=contents,
    )
    seen = [name for name in names if volume.data[names.index(name)].any()] or list(names[:1])
    shown = {name: volume.data[names.index(name)].copy() for name in shown_regions(seen, bundle.layout.regions)}
    body_voxels = count_body(volume.data[names.index(seen[0])], bundle.modality)
    item = bundle.preprocessing({"case": source.name, "modalities": list(names), "image": _meta_tensor(volume, source)})
    seconds = time.perf_counter() - start
    return Prepared(
        source, key, item["image"], shown, body_voxels, volume.affine, volume.header, volume.findings, seconds
    )


def count_body(image: NDArray[Any], modality: Modality | None) -> int:
    """Count the voxels of the patient: above air and lung in CT, above zero, the background, in MR."""
    return int(np.count_nonzero(image > (BODY_HU if modality == "CT" else 0.0)))


def compute(prepared: Prepared, bundle: Bundle, job: Job) -> Computed:
    """Run the network over a case, and bring its labels to the input's grid.

    The labels of each slab are taken as soon as its logits are complete; these are dropped then. Where the input has
    smaller voxels than the network, its probabilities are kept, and labels are those of probabilities in between.
    """
    start = time.perf_counter()
    reset_peak(bundle.device)
    image = prepared.image.as_tensor()[None]
    affine = np.asarray(prepared.image.affine, np.float64)
    finer = pays_off(affine, prepared.affine, voxels=image[0, 0].numel(), channels=len(bundle.channels))
    keep = job.probabilities or finer
    with torch.inference_mode():
        run, findings = (
            _in_one_piece(image, bundle, keep=keep)
            if job.whole_volume
            else (_run(image, bundle, bundle.inferer, keep=keep), ())
        )
    findings += tuple(check_certainty(dict(zip(bundle.channels, run.expected.values(), strict=False))))
    known = familiarity(prepared.image.as_tensor(), bundle)
    findings = prepared.findings + findings + (known[1] if known else ())
    on_grid, doubts = _on_input(run, prepared, bundle, finer=finer)
    findings += doubts
    finished = bundle.finishing({"pred": MetaTensor(torch.from_numpy(on_grid)[None], affine=prepared.affine)})["pred"]
    back = (
        partial(run.probabilities.on_grid, affine, shape=_shape(prepared), to=prepared.affine)
        if job.probabilities and run.probabilities
        else None
    )
    seconds = prepared.seconds + time.perf_counter() - start
    prepared = replace(prepared, image=MetaTensor(torch.empty(0)))  # its memory is for the next case
    return Computed(
        prepared=prepared,
        labels=np.asarray(finished[0], np.uint8),
        probabilities=back,
        findings=findings,
        familiarity=known[0].percent if known else None,
        seconds=seconds,
        peak_mib=peak_mib(bundle.device),
    )


def write(computed: Computed, bundle: Bundle, job: Job, *, output: Path, made_by: Mapping[str, Any]) -> CaseResult:
    """Measure and check a label map, and write all of its files but the sidecar.

    What fails beside the label map is a warning; if another try may succeed, the result has no key and is made again.
    """
    start = time.perf_counter()
    prepared = computed.prepared
    image = prepared.shown[next(iter(prepared.shown))] if bundle.modality == "CT" else None
    measures = measure_regions(computed.labels, prepared.affine, bundle, image=image)
    checked = check_labels(measures, volume_ml=prepared.body_voxels * voxel_ml(prepared.affine))
    findings = (*checked, *computed.findings)  # a doubtful result is told before its input
    outputs = Outputs(
        case=prepared.source.name,
        labels=computed.labels,
        affine=prepared.affine,
        header=prepared.header,
        names={value: name for name, value in bundle.values.items()},
        shown=prepared.shown,
        outlined=shown_regions(prepared.shown, bundle.layout.regions),
        window=SOFT_TISSUE_HU if bundle.modality == "CT" else None,
        probabilities=computed.probabilities,
        series=(prepared.source.series or {}).get(prepared.source.present(tuple(bundle.layout.modalities))[0]),
        sparse=job.sparse_seg,
    )
    written = write_outputs(output, outputs, kinds=job.kinds)
    findings += written.findings
    return CaseResult(
        case=prepared.source.name,
        status="warning" if findings else "ok",
        reason="",
        findings=worst_first(findings),
        measures=tuple(measures),
        files=written.files,
        seconds=computed.seconds + time.perf_counter() - start,
        peak_mib=computed.peak_mib,
        key=prepared.key if written.complete else "",
        made_by=made_by,
        familiarity=computed.familiarity,
    )


def measure_regions(
    labels: NDArray[np.uint8], affine: NDArray[np.float64], bundle: Bundle, *, image: NDArray[np.float32] | None = None
) -> list[RegionMeasure]:
    """Measure each region of the layout with the regions nested in it, as clinicians count them.

    Args:
        labels: label map (X, Y, Z).
        affine: voxel index to mm, (4, 4).
        bundle: names the regions.
        image: in HU, on the same grid.
    """
    measures = []
    for name, values in bundle.layout.regions.items():
        own = bundle.values[name]
        region = np.isin(labels, list(values)).astype(np.uint8) * np.uint8(own)
        measures += measure_labels(region, affine, names={own: name}, image=image)
    return measures


class _Output(NamedTuple):
    """Labels (1, D, H, W), the probabilities if they are kept, and the Dice that they let expect."""

    labels: Tensor
    probabilities: Probabilities | None
    expected: ExpectedDice


def _on_input(
    run: _Output, prepared: Prepared, bundle: Bundle, *, finer: bool
) -> tuple[NDArray[np.uint8], tuple[Finding, ...]]:
    """Bring labels to the input's grid, with a warning where it is finer and the probabilities were lost."""
    labels, affine = run.labels[0].numpy(), np.asarray(prepared.image.affine, np.float64)
    grid: dict[str, Any] = {"shape": _shape(prepared), "to": prepared.affine}
    if not finer or run.probabilities is None:
        return labels_on_grid(labels, affine, **grid), ()
    if not run.probabilities.is_complete:
        text = (
            "the memory was too small for the probabilities; labels on the image's finer voxels are those of the "
            "network's nearest voxel, so that borders have steps."
        )
        return labels_on_grid(labels, affine, **grid), (Finding("warning", "borders", text),)
    return labels_between(run.probabilities.joined(), labels, affine, rule=bundle.label, **grid), ()


def _in_one_piece(image: Tensor, bundle: Bundle, *, keep: bool) -> tuple[_Output, tuple[Finding, ...]]:
    """Run an image in one piece, or with a warning by windows where the memory is too small."""
    reason = reason_against_one_piece(bundle.predict, image, device=bundle.device)
    if not reason:
        try:
            return _run(image, bundle, None, keep=keep), ()
        except torch.OutOfMemoryError:
            reason = "in one piece it needed more memory than the device has"
    torch.cuda.empty_cache()
    warning = Finding("warning", "windows", f"{reason}; it was run by sliding windows instead.")
    return _run(image, bundle, bundle.inferer, keep=keep), (warning,)


def _run(image: Tensor, bundle: Bundle, inferer: Any, *, keep: bool) -> _Output:
    shape = tuple(image.shape[2:])
    on_device = image if inferer is not None else image.to(bundle.device)
    axis = max(range(3), key=lambda a: shape[a])
    kept = Probabilities(axis=axis) if keep else None
    expected = ExpectedDice()

    def rule(logits: Tensor) -> Tensor:
        probabilities = bundle.probability(logits)
        if kept:
            kept.add(probabilities)
        expected.add(probabilities)
        return bundle.label(probabilities)

    labels = slab_labels(output_slabs(on_device, bundle.predict, inferer=inferer), shape, rule=rule)
    return _Output(labels, kept, expected)


def _shape(prepared: Prepared) -> tuple[int, ...]:
    """The shape of the input's grid, (X, Y, Z)."""
    return next(iter(prepared.shown.values())).shape


def _meta_tensor(volume: Channels, source: Source) -> MetaTensor:
    meta: dict[str, Any] = {"original_affine": volume.affine, "spatial_shape": np.asarray(volume.data.shape[1:])}
    meta |= {"original_channel_dim": 0, "filename_or_obj": source.name}
    return MetaTensor(torch.from_numpy(volume.data), affine=torch.as_tensor(volume.affine), meta=meta)
