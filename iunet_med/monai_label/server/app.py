"""The app that MONAI Label runs: a bundle, its training on final labels, scores and strategies."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dicomweb_client.session_utils import create_session_from_user_pass
from monailabel.config import settings as server_settings
from monailabel.datastore.dicom import DICOMwebClientX
from monailabel.interfaces.app import MONAILabelApp
from monailabel.tasks.activelearning.epistemic import Epistemic
from monailabel.tasks.activelearning.first import First
from monailabel.tasks.activelearning.random import Random

from iunet_med.datasets.problems import plain_errors
from iunet_med.inference.configs import layout_of
from iunet_med.monai_label.server.answers import answers
from iunet_med.monai_label.server.batch import BatchTask
from iunet_med.monai_label.server.dicom_studies import DicomStudies
from iunet_med.monai_label.server.infer import InferTask, ProbabilityTask, read_bundle, study_labels
from iunet_med.monai_label.server.scoring import Scoring
from iunet_med.monai_label.server.studies import Studies
from iunet_med.monai_label.server.train import TrainTask
from iunet_med.monai_label.settings import read_settings

DROPOUT = 0.2
"""Of the network while scores are computed, as in MONAI Label's own app for bundles."""


class App(MONAILabelApp):  # type: ignore[misc]
    """One bundle on the studies that `iunet-med monai-label` has linked.

    Args:
        app_dir: the app's folder.
        studies: the folder of items, or the address of a DICOMweb server.
        conf: what `--conf` of the server says.
    """

    def __init__(self, app_dir: str, studies: str, conf: Mapping[str, str]) -> None:
        self.settings = read_settings(Path(app_dir))
        self.bundle = os.path.join(app_dir, "model", self.settings.bundle)
        self.check_items: Any = None
        name = self.settings.bundle
        super().__init__(app_dir, studies, conf, name=f"iunet-med: {name}", description=f"The bundle {name}")
        self._auto_update_scoring = False  # five passes over every image are for the user to ask for

    def init_datastore(self) -> Any:
        """Return the folder of items, or the DICOMweb server."""
        if self.studies.startswith(("http://", "https://")):
            return self._dicom_studies()
        options = {
            "auto_reload": server_settings.MONAI_LABEL_DATASTORE_AUTO_RELOAD,
            "read_only": server_settings.MONAI_LABEL_DATASTORE_READ_ONLY,
        }
        cases = {path: case for case in self.settings.cases.values() for path in _paths(case["image"])}
        return Studies(self.studies, cases=cases, check_label=self.check_label, **options)

    def init_infers(self) -> dict[str, Any]:
        """Return the bundle's inference."""
        return {self.settings.bundle: InferTask(self.bundle, self.conf, **self._studied())}

    def init_trainers(self) -> dict[str, Any]:
        """Return the bundle's training."""
        return {self.settings.bundle: TrainTask(self.bundle, self.conf, **self._studied())}

    def init_strategies(self) -> dict[str, Any]:
        """Return the ways to choose the next image."""
        return {"random": Random(), "first": First(), "epistemic": Epistemic()}

    def init_scoring_methods(self) -> dict[str, Any]:
        """Return the scores that the strategy `epistemic` chooses by."""
        task = ProbabilityTask(self.bundle, self.conf, dropout=DROPOUT, **self._studied())
        return {"epistemic": Scoring(task)}

    def init_batch_infer(self) -> Any:
        """Return the inference on many items."""
        return BatchTask()

    def infer(self, request: Mapping[str, Any], datastore: Any = None) -> Any:
        """Segment an item; bad input is answered in words."""
        with answers():
            image = request.get("image")
            if isinstance(image, str) and not os.path.exists(image):
                (datastore or self.datastore()).check_item(image)
            return super().infer(request, datastore)

    def train(self, request: Mapping[str, Any]) -> Any:
        """Train on the final labels; in a process of its own the last lines say what is wrong."""
        if not self._server_mode:
            plain_errors()
            return super().train(request)
        with answers():
            return super().train(request)

    def next_sample(self, request: Mapping[str, Any]) -> Any:
        """Choose the next image to label."""
        with answers():
            return super().next_sample(request)

    def check_label(self, image_id: str, label: str) -> None:
        """Refuse a label map that training could not use."""
        with answers():
            self.datastore().check_item(image_id)
            image = self.datastore().get_image_uri(image_id)
            if self.check_items is None:
                parser = read_bundle(self.bundle, "train", dataset_dir=self.settings.dataset_dir)
                self.check_items = parser.get_parsed_content("check_items")
            try:
                self.check_items.check([{"case": image_id, "image": image, **self._case_of(image), "label": label}])
            except ValueError as error:
                raise ValueError(str(error).replace(label, "the label map")) from error

    def _dicom_studies(self) -> DicomStudies:
        user, password = server_settings.MONAI_LABEL_DICOMWEB_USERNAME, server_settings.MONAI_LABEL_DICOMWEB_PASSWORD
        client = DICOMwebClientX(
            url=self.studies.rstrip("/"),
            session=create_session_from_user_pass(user, password) if user and password else None,
            qido_url_prefix=server_settings.MONAI_LABEL_QIDO_PREFIX,
            wado_url_prefix=server_settings.MONAI_LABEL_WADO_PREFIX,
            stow_url_prefix=server_settings.MONAI_LABEL_STOW_PREFIX,
        )
        layout = layout_of(read_bundle(self.bundle, "inference", dataset_dir=""))
        return DicomStudies(
            client,
            Path(self.app_dir, "studies"),
            modality=self.settings.modality,
            modalities=list(layout.modalities),
            patterns=self.settings.patterns,
            shown=self.settings.shown or next(iter(layout.modalities)),
            names=study_labels(self.bundle, dataset_dir=""),
            check_label=self.check_label,
            fetch_by_frame=server_settings.MONAI_LABEL_DICOMWEB_FETCH_BY_FRAME,
        )

    def _case_of(self, image: str) -> Mapping[str, Any]:
        case: Mapping[str, Any] = self.datastore().case_of(image)
        return case

    def _studied(self) -> dict[str, Any]:
        return {"dataset_dir": self.settings.dataset_dir, "case_of": self._case_of}


def _paths(image: Any) -> list[str]:
    return [image] if isinstance(image, str) else list(image)
