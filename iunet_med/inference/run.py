"""Segments many cases: skips the finished ones, lets no bad case stop the others, reads and writes beside computing."""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from iunet_med.checks.finding import Finding, RefusedError
from iunet_med.checks.severity import worst_first
from iunet_med.csv_rows import write_rows
from iunet_med.datasets.problems import first_cause
from iunet_med.inference.bundle import Bundle, open_bundle
from iunet_med.inference.case import Prepared, case_key, compute, prepare, write
from iunet_med.inference.classes import only_classes
from iunet_med.inference.familiar import with_reference
from iunet_med.inference.intake.contents import data_folder
from iunet_med.inference.intake.inputs import dicom_contents, files_digest
from iunet_med.inference.intake.source import Source, inputs_of
from iunet_med.inference.intake.sources import list_sources
from iunet_med.inference.options import Options
from iunet_med.inference.page.run_page import write_overview
from iunet_med.inference.results.earlier import keep_earlier
from iunet_med.inference.results.manifest import write_manifest
from iunet_med.inference.results.outputs import output_names
from iunet_med.inference.results.patients import write_patients
from iunet_med.inference.results.sidecar import CaseResult, finished, read_sidecar, sidecar_path, write_sidecar
from iunet_med.inference.results.summary_csv import LeftOutRow

logger = logging.getLogger(__name__)
Start = Callable[[int], object]
Progress = Callable[[CaseResult], object]


def segment(
    given: str | Path, *, on_start: Start | None = None, on_case: Progress | None = None, **options: Any
) -> list[CaseResult]:
    """Segment a file, a folder of cases or of DICOM, or a list of cases, and write label maps, summary and report.

    Under `torchrun` the cases are shared out, and every process returns all results.

    Args:
        given: the path: NIfTI, NRRD or MetaImage, a folder, or a list in a .csv or .json file.
        on_start: called with the number of cases, when all that can be checked before has been.
        on_case: called with each result.
        options: those of `Options`; `output` and `bundle` are needed.

    Raises:
        TypeError: an option that there is not.
        ValueError: nothing can be run at all: no case, no bundle, no weights. What is wrong with one case is in its
            result.
        ImportError: DICOM segmentations are wanted, and highdicom is not installed.
    """
    asked = Options(**options)
    if asked.dicom_seg:
        from iunet_med.inference.results.dicom_seg import import_highdicom  # pydicom takes a while

        import_highdicom()
    started = datetime.now().astimezone()
    folder, device, series = Path(asked.output), asked.device, asked.series
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if device is None and world > 1 and torch.cuda.is_available():
        device = f"cuda:{int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count()}"
    dataset_dir = data_folder(Path(given), series)
    parts = open_bundle(
        asked.bundle,
        configs=asked.configs,
        settings=asked.all_settings,
        dataset_dir=dataset_dir,
        device=device,
        trust=asked.trust,
    )
    chosen = only_classes(parts := with_reference(parts), asked.classes)
    left_out: list[LeftOutRow] = []
    sources = list_sources(
        Path(given),
        parts.layout,
        series=series,
        allow_missing=asked.allow_missing,
        which_series=asked.which_series,
        keep_identifiers=asked.keep_identifiers,
        on_left_out=lambda path, reason: left_out.append(LeftOutRow(path, reason)),
    )
    root = Path(given) if Path(given).is_dir() else Path(given).parent
    if rank == 0:
        write_patients(folder, sources, root=root)
    run = _Run(chosen, asked, folder, root=root)
    own = sources[rank::world]
    if on_start:
        on_start(len(own))
    results = {}
    for result in run.results(own, jobs=asked.jobs):
        results[result.case] = result
        if on_case:
            on_case(result)
    if world > 1:
        _wait_for_all()
        results = {source.name: _known(read_sidecar(folder, source.name), source) for source in sources}
    ordered = [results[source.name] for source in sources]
    if rank == 0:
        write_overview(folder, ordered, chosen)
        write_manifest(folder, ordered, chosen, asked, given=Path(given), started=started)
        (folder / "left_out.csv").unlink(missing_ok=True)
        if left_out:
            write_rows(folder / "left_out.csv", left_out, row_type=LeftOutRow)
    if world > 1:  # torchrun ends all processes with the first one that leaves with a failure
        _wait_for_all()
        dist.destroy_process_group()
    return ordered


class _Run:
    """The cases of one process."""

    def __init__(self, bundle: Bundle, options: Options, output: Path, *, root: Path) -> None:
        self.bundle, self.job, self.output, self.root = bundle, options.job, output, root
        self.overwrite, self.keep_identifiers = options.overwrite, options.keep_identifiers
        self.version = version("iunet-med")
        self.digests: dict[str, str] = {}

    def results(self, sources: Sequence[Source], *, jobs: int) -> Iterator[CaseResult]:
        """Yield each case's result, in about the order of the cases; threads read ahead and write behind."""
        waiting = deque(sources)
        read: deque[tuple[Source, Future[Prepared | CaseResult]]] = deque()
        written: deque[Future[CaseResult]] = deque()
        with ThreadPoolExecutor(jobs) as readers, ThreadPoolExecutor(jobs) as writers:
            while waiting or read:
                while waiting and len(read) < jobs:
                    source = waiting.popleft()
                    read.append((source, readers.submit(self._guarded, source, partial(self._read, source))))
                source, future = read.popleft()
                prepared = future.result()
                if waiting:  # the next case is read while this one is computed
                    after = waiting.popleft()
                    read.append((after, readers.submit(self._guarded, after, partial(self._read, after))))
                if isinstance(prepared, CaseResult):
                    yield prepared
                    continue
                done = self._guarded(source, partial(compute, prepared, self.bundle, self.job))
                if isinstance(done, CaseResult):
                    yield done
                    continue
                del prepared, future
                written.append(writers.submit(self._guarded, source, partial(self._write, done)))
                del done
                while written and (len(written) > jobs or written[0].done()):
                    yield written.popleft().result()
            while written:
                yield written.popleft().result()

    def _read(self, source: Source) -> Prepared | CaseResult:
        if source.problem:
            raise ValueError(source.problem)
        contents = dicom_contents(source)
        digest = self.digests[source.name] = files_digest(source, contents)
        key = case_key(source, self.bundle, self.job, inputs_sha256=digest, version=self.version)
        if not self.overwrite and (result := finished(self.output, source.name, key)):
            return result
        return prepare(source, self.bundle, self.job, key=key, contents=contents)

    def _write(self, computed: Any) -> CaseResult:
        result = write(
            computed, self.bundle, self.job, output=self.output, made_by=self._made_by(computed.prepared.source)
        )
        write_sidecar(self.output, result)
        return result

    def _guarded(self, source: Source, step: Callable[[], Any]) -> Any:
        """Run one step of a case; whatever goes wrong in it is this case's failure, and the others go on."""
        try:
            return step()
        except Exception as error:
            logger.debug("%s failed", source.name, exc_info=True)
            if isinstance(error, torch.cuda.OutOfMemoryError):
                torch.cuda.empty_cache()
            return self._failure(source, first_cause(error))

    def _failure(self, source: Source, error: BaseException) -> CaseResult:
        reason = self._reason(source, error)
        files, digest = output_names(source.name).values(), self.digests.get(source.name, "")
        with suppress(OSError):  # the case's own failure is the one to tell
            kept = keep_earlier(self.output, source.name, files=files, inputs_sha256=digest)
            reason = f"{reason.rstrip('.')}; {kept}" if kept else reason
        found = error.findings if isinstance(error, RefusedError) else (Finding("refusal", "error", reason),)
        made_by = self._made_by(source)
        result = CaseResult(source.name, "failed", reason, worst_first(found), (), (), 0.0, 0.0, "", made_by)
        try:
            write_sidecar(self.output, result)
        except OSError:  # as on a full disk; an older sidecar would call the case finished
            logger.debug("%s: no sidecar", source.name, exc_info=True)
            with suppress(OSError):
                sidecar_path(self.output, source.name).unlink(missing_ok=True)
        return result

    def _reason(self, source: Source, error: BaseException) -> str:
        """Say in one line what was wrong, without the paths of DICOM files, which may name the patient."""
        text = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
            cure = "set smaller windows by --set roi_size='[96, 96, 96]', or --set stitch_device=cpu"
            text = f"out of memory ({text}); {cure}"
        elif not isinstance(error, ValueError | OSError):
            text = f"{type(error).__name__}: {text}"
        if source.series and not self.keep_identifiers:
            for path in [path for one in source.series.values() for path in one.files]:
                text = text.replace(str(path), "a DICOM file").replace(path.name, "a DICOM file")
        return text[:1000]

    def _made_by(self, source: Source) -> dict[str, Any]:
        return {
            "inputs": inputs_of(source, self.root),
            "inputs_sha256": self.digests.get(source.name, ""),
            "software": {"iunet-med": self.version, "monai": version("monai"), "torch": torch.__version__},
            "bundle": {"name": self.bundle.name, "version": self.bundle.version},
            "weights_sha256": self.bundle.weights_sha256,
            "config_sha256": self.bundle.config_sha256,
            "modalities": list(self.bundle.layout.modalities),
            "labels": {str(value): name for name, value in self.bundle.values.items()},
            "regions": {name: list(values) for name, values in self.bundle.layout.regions.items()},
        }


def _wait_for_all() -> None:
    """Return when all processes are here; cases can take days, so the wait has no sensible end."""
    if not dist.is_initialized():
        dist.init_process_group("gloo", timeout=timedelta(days=30))
    dist.barrier()


def _known(result: CaseResult | None, source: Source) -> CaseResult:
    if result is None:
        reason = "no process has written a result; run again"
        return CaseResult(source.name, "failed", reason, (), (), (), 0.0, 0.0, "", {})
    return result
