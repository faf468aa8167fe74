"""Orthanc with DICOMweb on free ports, and series to put on it."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import requests
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

PLUGINS = Path("/usr/share/orthanc/plugins")
STARTED_WITHIN_S = 60


@dataclass(frozen=True)
class Orthanc:
    """A server that runs."""

    url: str

    @property
    def dicomweb(self) -> str:
        return f"{self.url}/dicom-web"

    def put(self, slices: list[Dataset]) -> None:
        for one in slices:
            one.save_as(content := BytesIO(), enforce_file_format=True)
            requests.post(f"{self.url}/instances", data=content.getvalue(), timeout=60).raise_for_status()

    def segmentations(self, referring_to: str) -> list[Dataset]:
        """The segmentation objects that are of a series."""
        found = requests.post(
            f"{self.url}/tools/find", json={"Level": "Instance", "Query": {"Modality": "SEG"}}, timeout=60
        )
        files = [requests.get(f"{self.url}/instances/{one}/file", timeout=60).content for one in found.json()]
        objects = [dcmread(BytesIO(content)) for content in files]
        return [one for one in objects if one.ReferencedSeriesSequence[0].SeriesInstanceUID == referring_to]


@contextmanager
def running_orthanc(folder: Path) -> Iterator[Orthanc]:
    """Start Orthanc, and stop it at the end."""
    if not shutil.which("Orthanc") or not (PLUGINS / "libOrthancDicomWeb.so").is_file():
        pytest.skip("needs Orthanc with DICOMweb: apt install orthanc orthanc-dicomweb")
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    config: Mapping[str, Any] = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "HttpPort": ports[0],
        "DicomPort": ports[1],
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [str(PLUGINS / "libOrthancDicomWeb.so")],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (path := folder / "orthanc.json").write_text(json.dumps(config))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(["Orthanc", str(path)], stdout=log, stderr=log, cwd=folder)
    server = Orthanc(f"http://127.0.0.1:{ports[0]}")
    try:
        end = time.monotonic() + STARTED_WITHIN_S
        while True:
            assert process.poll() is None, (folder / "orthanc.log").read_text(errors="replace")[-3000:]
            try:
                requests.get(f"{server.url}/system", timeout=10).raise_for_status()
                break
            except requests.ConnectionError:
                assert time.monotonic() < end, "Orthanc did not start"
                time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def series_of(
    image: nib.Nifti1Image, *, study: str, description: str, frame_of_reference: str, modality: str = "MR"
) -> list[Dataset]:
    """An image as the slices of a DICOM series; its values are rounded."""
    values: NDArray[np.int16] = np.round(np.asarray(image.dataobj)).astype(np.int16)
    lps = np.diag([-1.0, -1, 1, 1]) @ image.affine
    sizes, uid = nib.affines.voxel_sizes(image.affine), generate_uid()
    kind = CTImageStorage if modality == "CT" else MRImageStorage
    made = []
    for number in range(values.shape[2]):
        item, meta = Dataset(), FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, kind
        item.file_meta, item.SOPClassUID, item.SOPInstanceUID = meta, kind, generate_uid()
        meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID
        item.StudyInstanceUID, item.SeriesInstanceUID, item.FrameOfReferenceUID = study, uid, frame_of_reference
        item.PatientID, item.PatientName, item.PatientBirthDate, item.PatientSex = "P1", "Simulated^Head", "", ""
        item.StudyID, item.StudyDate, item.StudyTime = "1", "20260101", "101010"
        item.AccessionNumber, item.ReferringPhysicianName, item.Manufacturer = "1", "", "simulated"
        item.Modality, item.SeriesDescription, item.SeriesNumber = modality, description, 1
        item.ImageType, item.InstanceNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], number + 1
        item.ImagePositionPatient = [f"{value:.8f}" for value in (lps @ [0, 0, number, 1])[:3]]
        item.ImageOrientationPatient = [f"{value:.10f}" for value in (lps[:3, :2] / sizes[:2]).T.ravel()]
        item.PixelSpacing = [f"{sizes[1]:.8f}", f"{sizes[0]:.8f}"]
        item.SliceThickness = f"{sizes[2]:.8f}"
        item.Columns, item.Rows = values.shape[:2]
        item.SamplesPerPixel, item.PhotometricInterpretation, item.PixelRepresentation = 1, "MONOCHROME2", 1
        item.BitsAllocated, item.BitsStored, item.HighBit = 16, 16, 15
        item.PixelData = np.ascontiguousarray(values[..., number].T).tobytes()
        made.append(item)
    return made
