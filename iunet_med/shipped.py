"""The bundles and overlays that come with the package: beside it in a checkout, inside it where it is installed."""

import shutil
from collections.abc import Sequence
from pathlib import Path

_INSTALLED = Path(__file__).parent / "_shipped"
_ROOT = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[1]
BUNDLES = _ROOT / "bundle"
OVERLAYS = _ROOT / "configs"
_MADE_BY_RUNS = shutil.ignore_patterns("eval", "training", "__pycache__", ".*")
_METADATA = Path("configs", "metadata.json")


def shipped_bundles() -> list[str]:
    """Return the names of the bundles that come with the package."""
    return sorted(path.parents[1].name for path in BUNDLES.glob(f"*/{_METADATA.as_posix()}"))


def bundle_folder(given: str | Path) -> Path:
    """Return the folder of a bundle that is given by its path, or by its name if it comes with the package.

    Raises:
        ValueError: neither.
    """
    path = Path(given)
    if (path / _METADATA).is_file():
        return path
    if str(given) in shipped_bundles():
        return BUNDLES / given
    raise ValueError(
        f"expected the folder of a MONAI bundle, with {_METADATA.as_posix()} in it, or one of the names "
        f"{', '.join(shipped_bundles())}; got {path}, which is {'no bundle' if path.is_dir() else 'no folder'}."
    )


def copy_shipped(name: str, folder: Path) -> Sequence[Path]:
    """Copy a shipped bundle to `folder`/bundle/`name` and the overlays to `folder`/configs; return both paths.

    Overlays that are there already stay as they are.

    Raises:
        ValueError: there is no such bundle, or the target exists.
    """
    if name not in shipped_bundles():
        raise ValueError(f"expected one of the bundles {', '.join(shipped_bundles())}; got {name!r}.")
    bundle, overlays = folder / "bundle" / name, folder / "configs"
    if bundle.exists():
        raise ValueError(f"{bundle} exists already; rename or remove it, or copy to another folder by --output.")
    copy_bundle(BUNDLES / name, bundle)
    overlays.mkdir(exist_ok=True)
    for path in sorted(OVERLAYS.glob("*.json")):
        if not (overlays / path.name).exists():
            shutil.copy2(path, overlays)
    return bundle, overlays


def copy_bundle(bundle: Path, target: Path) -> None:
    """Copy a bundle's folder to a new one, without what runs have made in it."""
    shutil.copytree(bundle, target, ignore=_MADE_BY_RUNS)
