"""What `segment` is asked for: every option once, with its default and meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

FAST_OVERLAP = 0.125


@dataclass(frozen=True)
class Job:
    """What is asked for beside the label maps; each changes the results or adds files.

    Args:
        whole_volume: whether to run each image in one piece where memory allows it.
        probabilities: whether to write them, too.
        nrrd: whether to write label maps as NRRD, too.
        dicom_seg: whether to write them as DICOM segmentations, too.
        resample_uneven: whether unevenly spaced or tilted DICOM slices are brought to an even, upright grid instead of
            being refused.
        sparse_seg: whether DICOM segmentations leave out slices in which nothing is labelled.
        classes: names of the classes that are written, with those nested in them; none for all.
        allow_missing: modalities that a case may lack; the network sees an empty image in their place.

    Raises:
        ValueError: `sparse_seg` without `dicom_seg`.
    """

    whole_volume: bool = False
    probabilities: bool = False
    nrrd: bool = False
    dicom_seg: bool = False
    resample_uneven: bool = False
    sparse_seg: bool = False
    classes: Sequence[str] = ()
    allow_missing: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.sparse_seg and not self.dicom_seg:
            raise ValueError("--sparse-seg is about DICOM segmentations alone; give --dicom-seg, too.")

    @property
    def kinds(self) -> list[str]:
        """The files that are wanted beside the label map, by their names in `output_names`."""
        asked = {"probabilities": self.probabilities, "nrrd": self.nrrd, "dicom-seg": self.dicom_seg}
        return ["picture", *(kind for kind, wanted in asked.items() if wanted)]


@dataclass(frozen=True, kw_only=True)
class Options(Job):
    """A job, and where and how it is run.

    Args:
        output: the folder of the results, CASE/CASE_seg.nii.gz, summary.csv and report.html; for DICOM also
            patients.csv, which says whose each case is.
        bundle: the bundle's folder, or the name of one that comes with the package.
        configs: configs laid over its inference.json.
        settings: config ids and their values, set last.
        series: for each modality the pattern of its DICOM series' description, or of its file.
        which_series: of a folder of DICOM `all` series, of each scan the `thinnest` reconstruction, or those that fit a
            pattern.
        fast: whether windows overlap by an eighth instead of a half: fewer windows, and less averaging at borders.
        device: where to run, if not where the config says.
        jobs: how many cases are read ahead, and how many may wait to be written.
        overwrite: whether to redo what is finished.
        trust: whether to run configs that this project did not ship.
        keep_identifiers: whether DICOM cases are named by their patients' numbers, and errors name their files.

    Raises:
        ValueError: `jobs` below 1.
    """

    output: str | Path
    bundle: str | Path
    configs: Sequence[str | Path] = ()
    settings: Mapping[str, Any] | None = None
    series: Mapping[str, str] | None = None
    which_series: str = "all"
    fast: bool = False
    device: str | None = None
    jobs: int = 1
    overwrite: bool = False
    trust: bool = False
    keep_identifiers: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.jobs < 1:
            raise ValueError(f"jobs={self.jobs}: expected 1 or more.")

    @property
    def all_settings(self) -> dict[str, Any]:
        """The config ids to set, those of `fast` included."""
        return {**({"overlap": FAST_OVERLAP} if self.fast else {}), **(self.settings or {})}

    @property
    def job(self) -> Job:
        """What the results depend on."""
        return Job(**{field.name: getattr(self, field.name) for field in fields(Job)})
