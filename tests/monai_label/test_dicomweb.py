"""The app on a DICOMweb server: a study is found by any of its series, and labels go back as DICOM segmentations."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import requests
from pydicom import Dataset
from pydicom.uid import generate_uid

from iunet_med.inference import segment
from iunet_med.monai_label.folder import WrittenApp, write_app
from tests.monai_label.conftest import (
    OBLIQUE,
    SHAPE,
    Server,
    channels_of,
    drawn_label,
    running,
    voxels_of,
    write_label,
)
from tests.monai_label.orthanc import Orthanc, running_orthanc, series_of

pytestmark = pytest.mark.slow
UPRIGHT = np.diag([-1.5, -1.5, 2.0, 1.0])
"""The grid of the last modality: another orientation and spacing, around the same head."""

ROUNDED = 5e-3
"""Share of voxels that may differ: on the way through NIfTI affines are rounded to 32 bits, and weights are drawn."""


@dataclass(frozen=True)
class OnServer:
    """A study, its series by modality, and patterns of their descriptions."""

    study: str
    series: Mapping[str, str]
    patterns: Mapping[str, str]


@pytest.fixture(scope="module")
def orthanc(label_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


def elsewhere(image: nib.Nifti1Image) -> nib.Nifti1Image:
    corners = nib.affines.apply_affine(
        image.affine, np.array(np.meshgrid(*[(0, n - 1) for n in SHAPE])).reshape(3, -1).T
    )
    affine = UPRIGHT.copy()
    affine[:3, 3] = [corners[:, 0].max(), corners[:, 1].max(), corners[:, 2].min()]
    shape = tuple(np.ceil(np.ptp(corners, axis=0) / [1.5, 1.5, 2.0]).astype(int) + 1)
    return nib.processing.resample_from_to(image, (shape, affine), order=1)


@pytest.fixture(scope="module")
def slices(small_bundle: Path, scans: Path) -> dict[str, list[Dataset]]:
    """A study of one patient as DICOM; with several modalities the last lies on another grid."""
    names, study, frame = list(channels_of(small_bundle, "inputs").values()), generate_uid(), generate_uid()
    made = {}
    for number, name in enumerate(names):
        image = nib.load(scans / (f"P0_{name}.nii.gz" if len(names) > 1 else "P0.nii.gz"))
        image = elsewhere(image) if 0 < number == len(names) - 1 else image
        kind = "CT" if names == ["ct"] else "MR"
        made[name] = series_of(image, study=study, description=f"ax {name} se", frame_of_reference=frame, modality=kind)
    return made


@pytest.fixture(scope="module")
def on_server(orthanc: Orthanc, slices: dict[str, list[Dataset]]) -> OnServer:
    for some in slices.values():
        orthanc.put(some)
    first = next(iter(slices.values()))[0]
    if len(slices) > 1:  # a study without all modalities is no case
        alone = [Dataset.from_json(one.to_json()) for one in slices["t1"]]
        uids = generate_uid(), generate_uid()
        for one in alone:
            one.file_meta = first.file_meta
            one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID = *uids, generate_uid()
        orthanc.put(alone)
    series = {name: some[0].SeriesInstanceUID for name, some in slices.items()}
    patterns = {name: f"ax {name} *" for name in slices} if len(slices) > 1 else {}
    return OnServer(first.StudyInstanceUID, series, patterns)


@pytest.fixture(scope="module")
def app(
    orthanc: Orthanc, on_server: OnServer, small_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> WrittenApp:
    out = tmp_path_factory.mktemp("dicomweb") / "app"
    return write_app(orthanc.dicomweb, out, bundle=small_bundle, patterns=on_server.patterns, trust=True)


@pytest.fixture(scope="module")
def server(label_python: Path, app: WrittenApp) -> Iterator[Server]:
    with running(label_python, app.path, app.studies, model="small") as one:
        yield one


@pytest.fixture(scope="module")
def segmented(
    slices: dict[str, list[Dataset]], on_server: OnServer, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> nib.Nifti1Image:
    """What `segment` makes of the same files."""
    folder = tmp_path_factory.mktemp("dicom")
    for name, some in slices.items():
        for number, one in enumerate(some):
            one.save_as(folder / f"{name}-{number}.dcm", enforce_file_format=True)
    options = {"series": on_server.patterns, "bundle": server.models.parent, "trust": True, "device": "cpu"}
    (result,) = segment(folder, output=folder / "out", **options)
    assert result.reason == ""
    return nib.load(folder / "out" / result.case / f"{result.case}_seg.nii.gz")


def test_a_study_or_any_of_its_series_gives_what_segment_gives(
    server: Server, on_server: OnServer, segmented: nib.Nifti1Image, tmp_path: Path
) -> None:
    listed = server.post("/activelearning/first", {}).json()["id"]
    assert listed == next(iter(on_server.series.values()))
    for uid in (on_server.study, *list(on_server.series.values())[:3]):
        got = voxels_of(server.infer(uid), tmp_path)
        different = np.asarray(got.dataobj).squeeze() != np.asarray(segmented.dataobj)
        assert different.mean() < ROUNDED
        np.testing.assert_allclose(got.affine, segmented.affine, atol=1e-3)
    assert len(np.unique(segmented.dataobj)) > 1, "an empty map would prove little"


def test_a_series_on_another_grid_gets_its_result_there(
    server: Server, on_server: OnServer, slices: dict[str, list[Dataset]], tmp_path: Path
) -> None:
    if len(slices) == 1:
        pytest.skip("needs a bundle with several modalities")
    name, uid = list(on_server.series.items())[-1]
    got = voxels_of(server.infer(uid), tmp_path)
    assert np.asarray(got.dataobj).squeeze().shape == (slices[name][0].Columns, slices[name][0].Rows, len(slices[name]))
    np.testing.assert_allclose(nib.affines.voxel_sizes(got.affine), [1.5, 1.5, 2.0], atol=1e-3)


def test_what_is_no_case_is_told(server: Server, orthanc: Orthanc, on_server: OnServer) -> None:
    answer = server.infer("1.2.3")
    assert (answer.status_code, "no study '1.2.3'" in answer.json()["detail"]) == (404, True)
    if on_server.patterns:
        found = requests.get(f"{orthanc.dicomweb}/studies", timeout=60).json()
        (alone,) = {one["0020000D"]["Value"][0] for one in found} - {on_server.study}
        answer = server.infer(alone)
        assert answer.status_code == 400
        assert "0 series fit 'ax t1c *'" in answer.json()["detail"]


def test_a_final_label_goes_back_as_dicom_and_trains(
    server: Server,
    orthanc: Orthanc,
    on_server: OnServer,
    small_bundle: Path,
    label_python: Path,
    tmp_path: Path,
) -> None:
    highdicom = pytest.importorskip("highdicom", reason="highdicom is not installed; the extra dicom brings it")
    uid, drawn = next(iter(on_server.series.values())), drawn_label(small_bundle, 0)
    last = drawn.max()
    drawn[drawn == 1] = last if last > 2 else 1  # numbers of segments then differ from the label values
    refused = server.submit(uid, write_label(tmp_path / "label.nii.gz", drawn[:-1]))
    assert (refused.status_code, "different grids" in refused.json()["detail"]) == (400, True)
    assert not orthanc.segmentations(uid)
    answer = server.submit(uid, write_label(tmp_path / "label.nii.gz", drawn))
    assert answer.status_code == 200, answer.text
    (found,) = orthanc.segmentations(uid)
    names = channels_of(small_bundle, "outputs")
    values = [int(value) for value in np.unique(drawn) if value]
    assert [one.SegmentLabel.lower() for one in found.SegmentSequence] == [names[value].lower() for value in values]
    found.save_as(path := tmp_path / "seg.dcm")
    read = highdicom.seg.segread(path)
    volume = read.get_volume(combine_segments=True, rescale_fractional=False, skip_overlap_checks=False)
    assert {int(n) for n in np.unique(volume.array)} - {0} == set(range(1, len(values) + 1))
    for number, value in enumerate(values, start=1):
        assert (volume.array == number).sum() == (drawn == value).sum()
    command = [
        str(label_python.parent / "segimage2itkimage"),
        "--inputDICOM",
        str(path),
        "--outputDirectory",
        str(tmp_path),
    ]
    subprocess.run([*command, "-t", "nifti"], check=True, capture_output=True, env={**os.environ})
    for number, value in enumerate(values, start=1):
        mask = nib.load(tmp_path / f"{number}.nii.gz")
        labelled = nib.affines.apply_affine(OBLIQUE, np.argwhere(drawn == value))
        there = nib.affines.apply_affine(mask.affine, np.argwhere(np.asarray(mask.dataobj) > 0))
        np.testing.assert_allclose(there.mean(axis=0), labelled.mean(axis=0), atol=1e-2)
    before = server.digests()
    assert server.train()["status"] == "DONE"
    assert server.digests()["model.pt"] != before["model.pt"]
    trained = next((app_folder(server) / "studies" / "segmentations").glob("*.nii.gz"))
    np.testing.assert_array_equal(np.asarray(nib.load(trained).dataobj), drawn)
    assert server.post("/activelearning/first", {}).json().get("id") is None, "its only case has a label"


def app_folder(server: Server) -> Path:
    return server.models.parents[2]
