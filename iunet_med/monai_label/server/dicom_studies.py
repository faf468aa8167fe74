"""The studies of a DICOMweb server, each found by any of its series; labels go back as DICOM segmentations."""

import logging
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np
from fastapi import HTTPException
from monailabel.datastore.dicom import DICOMWebDatastore
from monailabel.datastore.local import LocalDatastore
from monailabel.datastore.utils.convert import binary_to_image
from monailabel.datastore.utils.dicom import dicom_web_download_series
from monailabel.interfaces.datastore import DefaultLabelTag
from pydicom import Dataset

from iunet_med.monai_label.dicom_cases import DicomCase, dicom_cases, on_one_grid, write_series
from iunet_med.monai_label.segments import label_info
from iunet_med.monai_label.server.segmentations import algorithms, segment_names, write_labels
from iunet_med.monai_label.server.studies import CheckLabel
from iunet_med.volumes import read_grid, read_volume
from iunet_med.volumes.dicom import Series

logger = logging.getLogger(__name__)
ENDING = ".nii.gz"
FIELDS = ("SeriesDescription", "ProtocolName", "PatientID")
WRITER = "itkimage2segimage"
TITLE = "Label by MONAI Label (research use only)"


class DicomStudies(DICOMWebDatastore):  # type: ignore[misc]
    """MONAI Label's DICOMweb server; items are series, and each brings those of its study that the network needs.

    What is fetched lies in the app's folder, with all that identifies the patients.

    Args:
        client: of the server.
        cache: the folder for what is fetched.
        modality: DICOM's, "CT" or "MR".
        modalities: of the network's channels.
        patterns: of the series' descriptions.
        shown: the modality that stands for a study in lists.
        names: the label values by their names.
        check_label: refuses labels that training could not use.
        options: of MONAI Label's datastore.
    """

    def __init__(
        self,
        client: Any,
        cache: Path,
        *,
        modality: str,
        modalities: Sequence[str],
        patterns: Mapping[str, str],
        shown: str,
        names: Mapping[str, int],
        check_label: CheckLabel,
        **options: Any,
    ) -> None:
        self.modality, self.modalities, self.patterns, self.shown = modality, modalities, patterns, shown
        self.names, self.check_label = names, check_label
        self.cache = cache
        self._cases: dict[str, DicomCase] = {}
        self._headers: dict[str, Dataset] = {}
        self._fetching = RLock()
        super().__init__(client, {"Modality": modality}, cache_path=str(cache), **options)

    def check_item(self, image_id: str) -> None:
        """Refuse what is neither a series of a case nor a study.

        Raises:
            HTTPException: the server has no such series or study.
            ValueError: its study is no case.
        """
        self._find(image_id)

    def case_of(self, image: str) -> dict[str, Any]:
        """Return the keys of the case that an item's file stands for, all on the grid of that file."""
        uid = Path(image).name.removesuffix(ENDING)
        if (case := self._cases.get(uid)) is None:
            return {}
        files = {name: self._path(one) for name, one in case.series.items()}
        shown = next(name for name, one in case.series.items() if one == uid)
        placed = [str(path) for path in on_one_grid(files, shown, self.cache / "placed" / uid)]
        many = placed if len(placed) > 1 else placed[0]
        return {"case": uid, "patient": case.patient, "image": many, "modalities": list(files)}

    def list_images(self) -> list[str]:
        """Return for each case the series that stands for it."""
        cases, problems = dicom_cases(self._search(), self.modalities, self.patterns)
        for study, problem in problems.items():
            logger.warning("study %s is left out: %s", study, problem)
        return [case.series[self.shown] for case in cases]

    def get_image_uri(self, image_id: str) -> str:
        """Fetch the series of an item's case, and return its own as a file."""
        case, uid = self._find(image_id)
        with self._fetching:
            for one in case.series.values():
                self._fetch(case, one)
                self._cases[one] = case
        return str(self._path(uid))

    def get_labeled_images(self, label_tag: str | None = None, labels: Any = None) -> list[str]:
        """Return the series that final labels are of."""
        return list(self._final_labels())

    def get_unlabeled_images(self, label_tag: str | None = None, labels: Any = None) -> list[str]:
        """Return for each case without a final label the series that stands for it."""
        labelled = {self._find(uid)[0].study for uid in self._final_labels()}
        cases, _ = dicom_cases(self._search(), self.modalities, self.patterns)
        return [case.series[self.shown] for case in cases if case.study not in labelled]

    def get_label_uri(self, label_id: str, label_tag: str, image_id: str = "") -> str:
        """Return a label map that was submitted to this server."""
        return str(LocalDatastore.get_label_uri(self, label_id, label_tag))

    def save_label(
        self, image_id: str, label_filename: str, label_tag: str, label_info: dict[str, Any], label_id: str = ""
    ) -> str:
        """Save a label map; a final one is checked, and goes to the DICOMweb server as a segmentation object."""
        _, uid = self._find(image_id)
        image = self.get_image_uri(uid)
        if label_filename.endswith(".bin"):  # OHIF's voxels without a header
            label_filename = binary_to_image(image, label_filename)
        if label_tag == DefaultLabelTag.FINAL:
            self.check_label(uid, label_filename)
            label_info = {**label_info, "label_info": self._described(label_filename)}
        return str(super().save_label(uid, label_filename, label_tag, label_info))

    def datalist(self, full_path: bool = True) -> list[dict[str, Any]]:
        """Return the final labels with their images, to train on."""
        items = []
        for image_id, uid in self._final_labels().items():
            image = self.get_image_uri(image_id)
            items.append({"image": image, "label": str(self._label_map(uid, image))})
        return items

    def _find(self, image_id: str) -> tuple[DicomCase, str]:
        """The case of a series or a study, and the series that is meant."""
        if case := self._cases.get(image_id):
            return case, image_id
        named = self._search(SeriesInstanceUID=image_id)
        some = self._search(StudyInstanceUID=named[0].study if named else image_id)
        if not some:
            raise HTTPException(404, f"The DICOMweb server has no {self.modality} series and no study {image_id!r}.")
        cases, problems = dicom_cases(some, self.modalities, self.patterns)
        if problems:
            raise ValueError(f"study {some[0].study}: {next(iter(problems.values()))}")
        fitting = [case for case in cases if image_id in (case.study, *case.series.values())]
        if len(fitting) != 1:
            known = ", ".join(uid for case in cases for uid in case.series.values())
            raise ValueError(f"{image_id}: expected a series that the network takes, one of {known}.")
        return fitting[0], image_id if named else fitting[0].series[self.shown]

    def _search(self, **filters: str) -> list[Series]:
        found = self._client.search_for_series(
            search_filters={"Modality": self.modality, **filters}, fields=list(FIELDS)
        )
        return [_series(Dataset.from_json(one)) for one in found]

    def _path(self, uid: str) -> Path:
        return Path(os.path.realpath(self._datastore.image_path()), f"{uid}{ENDING}")

    def _fetch(self, case: DicomCase, uid: str) -> None:
        if self._path(uid).is_file():
            return
        folder = self._path(uid).with_name(uid)
        with tempfile.TemporaryDirectory(dir=self.cache) as temporary:
            if not folder.is_dir():
                dicom_web_download_series(case.study, uid, temporary, self._client, self._fetch_by_frame)
                shutil.copytree(temporary, partial := folder.with_name(f"{uid}.partial"), dirs_exist_ok=True)
                os.replace(partial, folder)
            write_series(folder, image := Path(temporary, f"{uid}{ENDING}"))
            self.add_image(uid, str(image), self._dicom_info(uid))

    def _final_labels(self) -> dict[str, str]:
        """The latest segmentation of each series that has one in the names of this bundle, and not by it alone."""
        latest: dict[str, tuple[str, str]] = {}
        for one in self._client.search_for_series(search_filters={"Modality": "SEG"}):
            found = Dataset.from_json(one)
            header = self._header(str(found.StudyInstanceUID), str(found.SeriesInstanceUID))
            named = {name.lower() for name in segment_names(header).values()}
            if not named <= set(self.names) or algorithms(header) == {"iunet-med"}:
                continue
            made = f"{header.get('ContentDate', '')}{header.get('ContentTime', '')}"
            for image in header.get("ReferencedSeriesSequence", []):
                uid = str(image.SeriesInstanceUID)
                latest[uid] = max(latest.get(uid, ("", "")), (made, str(found.SeriesInstanceUID)))
        return {uid: segmentation for uid, (_, segmentation) in latest.items() if self._is_item(uid)}

    def _is_item(self, uid: str) -> bool:
        try:
            self._find(uid)
        except (HTTPException, ValueError) as error:
            logger.warning("the label of series %s is left out: %s", uid, error)
            return False
        return True

    def _header(self, study: str, series: str) -> Dataset:
        if series not in self._headers:
            self._headers[series] = Dataset.from_json(self._client.retrieve_series_metadata(study, series)[0])
        return self._headers[series]

    def _label_map(self, uid: str, image: str) -> Path:
        path = self.cache / "segmentations" / f"{uid}{ENDING}"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.cache) as temporary:
                dicom_web_download_series(None, uid, temporary, self._client, False)
                (file,) = Path(temporary).iterdir()
                write_labels(file, path, names=self.names, grid=read_grid(image))
        return path

    def _described(self, label: str) -> list[dict[str, Any]]:
        if shutil.which(WRITER) is None:
            raise ValueError(f"expected {WRITER} of dcmqi on the PATH, to write DICOM; pip install dcmqi.")
        values = [int(value) for value in np.unique(read_volume(label).array) if value]
        return label_info(values, self.names, title=TITLE)


def _series(found: Dataset) -> Series:
    def text(name: str) -> str:
        return str(found.get(name, "") or "")

    return Series(
        key=text("SeriesInstanceUID"),
        study=text("StudyInstanceUID"),
        patient="",
        description=text("SeriesDescription"),
        modality=text("Modality"),
        files=(),
        protocol=text("ProtocolName"),
        patient_number=text("PatientID"),
    )
