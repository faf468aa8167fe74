"""The organs of a simulated torso and their label values; names as TotalSegmentator has them."""

ORGAN_VALUES = {
    name: value
    for value, name in enumerate(
        (
            *("spleen", "kidney_right", "kidney_left", "gallbladder", "liver", "stomach", "pancreas"),
            *("adrenal_gland_right", "adrenal_gland_left", "lung_right", "lung_left", "trachea", "esophagus"),
            *("small_bowel", "duodenum", "colon", "urinary_bladder", "heart", "aorta", "inferior_vena_cava"),
            *("portal_vein_and_splenic_vein", "vertebrae", "ribs", "hips", "autochthon", "iliopsoas"),
        ),
        start=1,
    )
}
"""Lungs, vertebrae, ribs, hips and the muscles are unions of several of TotalSegmentator's classes."""
