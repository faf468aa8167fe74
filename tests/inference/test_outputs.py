"""The same label map lies at the same places in NIfTI and NRRD."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from iunet_med.inference.outputs import Outputs, write_dicom, write_outputs

OBLIQUE = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.3, -0.2, 0.25) @ np.diag([-2, 2, 3]), [3, -40, 7])


def outputs() -> Outputs:
    labels = np.zeros((7, 8, 9), np.uint8)
    labels[2:5, 3:6, 4:8] = 2
    shown, outlined = {"flair": labels.astype(np.float32)}, {"flair": {"lesion": (2,)}}
    return Outputs("a", labels, OBLIQUE, None, {2: "lesion"}, shown, outlined, None, None, None)


def test_nifti_and_nrrd_hold_the_labels_at_the_same_places(tmp_path: Path) -> None:
    assert write_outputs(tmp_path, outputs(), nrrd=True) == ("a_seg.nii.gz", "a_seg.png", "a_seg.nrrd")
    nifti = nib.load(tmp_path / "a" / "a_seg.nii.gz")
    np.testing.assert_array_equal(np.asarray(nifti.dataobj), outputs().labels)
    np.testing.assert_allclose(nifti.affine, OBLIQUE, atol=1e-6)
    nrrd = SimpleITK.ReadImage(str(tmp_path / "a" / "a_seg.nrrd"))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(nrrd).T, outputs().labels)
    place = nrrd.TransformIndexToPhysicalPoint((2, 3, 4))
    np.testing.assert_allclose(np.array(place) * [-1, -1, 1], nib.affines.apply_affine(OBLIQUE, [2, 3, 4]), atol=1e-5)


def test_dicom_needs_dicom(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the case was not read from DICOM, to which a segmentation refers"):
        write_dicom(tmp_path, outputs())
