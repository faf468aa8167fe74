"""The same label map lies at the same places in NIfTI and NRRD, and stays whatever else fails."""

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from iunet_med.inference.results.outputs import _WRITERS, Outputs, Written, output_names, write_outputs
from iunet_med.volumes.dicom import Series

OBLIQUE = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.3, -0.2, 0.25) @ np.diag([-2, 2, 3]), [3, -40, 7])


def outputs() -> Outputs:
    labels = np.zeros((7, 8, 9), np.uint8)
    labels[2:5, 3:6, 4:8] = 2
    shown, outlined = {"flair": labels.astype(np.float32)}, {"flair": {"lesion": (2,)}}
    return Outputs("a", labels, OBLIQUE, None, {2: "lesion"}, shown, outlined, None, None, None)


def test_nifti_and_nrrd_hold_the_labels_at_the_same_places(tmp_path: Path) -> None:
    written = write_outputs(tmp_path, outputs(), kinds=["picture", "nrrd"])
    assert written == Written(("a_seg.nii.gz", "a_seg.png", "a_seg.nrrd"), (), True)
    nifti = nib.load(tmp_path / "a" / "a_seg.nii.gz")
    np.testing.assert_array_equal(np.asarray(nifti.dataobj), outputs().labels)
    np.testing.assert_allclose(nifti.affine, OBLIQUE, atol=1e-6)
    nrrd = SimpleITK.ReadImage(str(tmp_path / "a" / "a_seg.nrrd"))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(nrrd).T, outputs().labels)
    place = nrrd.TransformIndexToPhysicalPoint((2, 3, 4))
    np.testing.assert_allclose(np.array(place) * [-1, -1, 1], nib.affines.apply_affine(OBLIQUE, [2, 3, 4]), atol=1e-5)


@pytest.mark.parametrize(
    ("error", "said", "complete"),
    [
        (ValueError("no lesion to show"), "no lesion to show", True),
        (OSError(28, "No space left on device", "/secret/a"), "No space left on device", False),
        (MemoryError(), "MemoryError", False),
        (KeyError("Secret^Name"), "KeyError", False),
    ],
)
@pytest.mark.parametrize("kind", ["picture", "probabilities", "nrrd", "dicom-seg"])
def test_what_fails_is_a_warning_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, error: Exception, said: str, *, complete: bool
) -> None:
    def fail(_path: Path, _results: Outputs) -> bool:
        raise error

    kinds = ["picture", "probabilities", "nrrd", "dicom-seg"]
    names = output_names("a")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / names[kind]).write_text("of an earlier run")
    for other in kinds:
        monkeypatch.setitem(_WRITERS, other, lambda path, _results: bool(path.write_text("new")))
    monkeypatch.setitem(_WRITERS, kind, fail)
    written = write_outputs(tmp_path, outputs(), kinds=kinds)
    assert written.files == ("a_seg.nii.gz", *(names[other] for other in kinds if other != kind))
    assert {path.name for path in (tmp_path / "a").iterdir()} == {*written.files, "earlier"}
    assert (tmp_path / "a" / "earlier" / names[kind]).read_text() == "of an earlier run"
    (finding,) = written.findings
    assert (finding.level, finding.check, written.complete) == ("warning", kind, complete)
    assert f"not written: {said}; the label map was." in finding.message


def test_dicom_needs_the_slices_of_dicom(tmp_path: Path) -> None:
    written = write_outputs(tmp_path, outputs(), kinds=["dicom-seg"])
    assert written.files == ("a_seg.nii.gz",)
    assert "the case was not read from DICOM, to which a segmentation refers" in written.findings[0].message


def test_nothing_found_makes_no_dicom_segmentation_and_no_warning(tmp_path: Path) -> None:
    results = replace(outputs(), labels=np.zeros((7, 8, 9), np.uint8), series=Series("k", "s", "p", "", "MR", ()))
    assert write_outputs(tmp_path, results, kinds=["dicom-seg"]) == Written(("a_seg.nii.gz",), (), True)
