"""Writes the folder of an app for MONAI Label: a bundle, what the server needs to know, and one item per patient."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from iunet_med.datasets.kinds import stem_of
from iunet_med.datasets.layouts import Case, Layout
from iunet_med.files import replacing
from iunet_med.inference.bundle import open_layout
from iunet_med.inference.configs import image_modality, read_metadata
from iunet_med.inference.intake.case_lists import WHOLE
from iunet_med.inference.intake.contents import data_folder, has_dicom, has_images
from iunet_med.inference.intake.source import Source
from iunet_med.inference.intake.sources import list_sources
from iunet_med.monai_label.settings import FILE, AppSettings, read_settings
from iunet_med.shipped import bundle_folder, copy_bundle

MAIN = '''"""An app for MONAI Label, written by `iunet-med monai-label`."""

from iunet_med.monai_label.server.app import App

__all__ = ["App"]
'''
SPARE = "shipped.pt"
"""A copy of the weights that no training replaces; clients can choose it as a model's file."""


@dataclass(frozen=True)
class WrittenApp:
    """What was written.

    Args:
        path: the app's folder.
        studies: what to serve: the folder of items, or the address of a DICOMweb server.
        items: how many patients the folder has.
        problems: what is wrong with those left out, by their names.
    """

    path: Path
    studies: str
    items: int
    problems: Mapping[str, str]


def write_app(
    studies: str,
    out: Path,
    *,
    bundle: str | Path,
    patterns: Mapping[str, str],
    shown: str | None = None,
    trust: bool = False,
) -> WrittenApp:
    """Write an app, or bring the items of one up to date: its weights and labels stay.

    Args:
        studies: a folder or list of cases as `segment` takes them, or the address of a DICOMweb server.
        out: the app's folder.
        bundle: the bundle's folder, or the name of one that comes with the package.
        patterns: for each modality the pattern of its files, or of its DICOM series' descriptions.
        shown: the modality that viewers open as the patient's image; None for the network's first one.
        trust: whether to use configs that this project did not ship and that could run any code.

    Raises:
        ValueError: no bundle, no weights, no case, or `out` is something else.
        OSError: a file cannot be read or linked.
    """
    root = bundle_folder(bundle)
    _check_target(out, root.resolve().name)
    remote = studies.startswith(("http://", "https://"))
    folder = "" if remote else data_folder(Path(studies).resolve(), patterns)
    layout = open_layout(root, dataset_dir=folder, trust=trust)
    _check_names(layout, {**patterns, **({shown: ""} if shown else {})})
    modality = _series_modality(root, layout, patterns) if remote else ""
    sources = [] if remote else _sources(Path(studies).resolve(), layout, patterns)
    usable = [source for source in sources if not source.problem]
    problems = {source.name: source.problem for source in sources if source.problem}
    if problems and not usable:
        raise ValueError(f"{studies} holds no case that can be used: {next(iter(problems.values()))}")
    _write_bundle(root, out)
    patients = _patients(Path(folder), layout) if folder else {}
    cases = {
        source.name: _case(source, layout, patients)
        for source in usable
        if WHOLE not in source.files or source.channels
    }
    if not remote:
        _link(out / "studies", {source.name: _image_of(source, layout, shown) for source in usable})
    AppSettings(root.resolve().name, folder, dict(patterns), modality, shown or "", cases).write(out)
    return WrittenApp(out, studies if remote else str(out / "studies"), len(usable), problems)


def start_arguments(app: WrittenApp, *, host: str, port: int) -> Sequence[str]:
    """Return what follows `python` to start the server; MONAI Label's own script fails on paths with spaces."""
    where = ["--app", str(app.path), "--studies", app.studies, "--host", host, "--port", str(port)]
    return ["-m", "monailabel.main", "start_server", *where]


def _check_target(out: Path, bundle: str) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / FILE).is_file():
        raise ValueError(f"--out {out}: expected a new folder, or an app written before; give another folder.")
    if (before := read_settings(out).bundle) != bundle:
        raise ValueError(f"{out} is an app for the bundle {before}, not {bundle}; give another folder by --out.")


def _check_names(layout: Layout, named: Mapping[str, str]) -> None:
    if unknown := [name for name in named if name not in layout.modalities]:
        raise ValueError(f"unknown modality {', '.join(unknown)}; the bundle's are {', '.join(layout.modalities)}.")


def _series_modality(root: Path, layout: Layout, patterns: Mapping[str, str]) -> str:
    """Return the modality of the series that a bundle takes.

    Raises:
        ValueError: a pattern is missing, or the bundle does not say it.
    """
    names = list(layout.modalities)
    if len(names) > 1 and set(patterns) != set(names):
        raise ValueError(
            f"--map names {', '.join(patterns) or 'nothing'}; expected one pattern for each of {', '.join(names)}, as "
            f"in --map {names[0]}='*T1*'; the series of a DICOMweb server are never guessed."
        )
    if not (modality := image_modality(read_metadata(root / "configs" / "metadata.json"))):
        raise ValueError(f"{root}: expected `modality` CT or MR in the inputs of configs/metadata.json; add it.")
    return modality


def _sources(path: Path, layout: Layout, patterns: Mapping[str, str]) -> list[Source]:
    if path.is_dir() and not has_images(path) and has_dicom(path):
        raise ValueError(
            f"{path} holds DICOM, and MONAI Label takes that from a DICOMweb server alone; give the server's address, "
            "as in http://127.0.0.1:8042/dicom-web, or a folder of NIfTI files."
        )
    return list_sources(path, layout, series=patterns)


def _patients(folder: Path, layout: Layout) -> dict[str, str]:
    """The patient of each case: several scans of one stay on one side of a split."""
    cases, _ = layout.find(folder, labelled=False)
    return {str(case["case"]): str(case["patient"]) for case in cases}


def _case(source: Source, layout: Layout, patients: Mapping[str, str]) -> Case:
    names = list(source.channels or layout.modalities)
    files = [str(source.files[name].resolve()) for name in ([WHOLE] if WHOLE in source.files else names)]
    patient = patients.get(source.name, source.name)
    return {
        "case": source.name,
        "patient": patient,
        "image": files if len(files) > 1 else files[0],
        "modalities": names,
    }


def _image_of(source: Source, layout: Layout, shown: str | None) -> Path:
    return source.files[WHOLE] if WHOLE in source.files else source.files[shown or next(iter(layout.modalities))]


def _write_bundle(root: Path, out: Path) -> None:
    weights = root / "models" / "model.pt"
    if not weights.is_file():
        raise ValueError(f"{root} has no weights, {weights}; train the bundle first.")
    target = out / "model" / root.resolve().name
    if not target.exists():
        copy_bundle(root, target)
        shutil.copy(weights, target / "models" / SPARE)
    with replacing(out / "main.py") as temporary:
        temporary.write_text(MAIN, encoding="utf-8")


def _link(folder: Path, images: Mapping[str, Path]) -> None:
    """Link each patient's image into a folder, and take away links of before; labels below it stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.is_symlink():
            old.unlink()
    for name, path in images.items():
        ending = path.name[len(stem_of(path.name)) :]
        (folder / f"{name}{ending}").symlink_to(path.resolve())
