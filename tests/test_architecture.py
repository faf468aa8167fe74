"""Imports point down the layers, and the lower ones work without MONAI."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "iunet_med"
LAYERS = [
    ["files", "overrides", "shipped"],
    ["csv_rows", "trained_with"],
    ["nn", "tomography"],
    ["networks"],
    ["familiarity", "memory"],
    ["volumes"],
    ["checks"],
    ["datasets"],
    ["pictures", "transforms"],
    ["handlers"],
    ["evaluation"],
    ["inference"],
    ["export", "monai_label", "planning"],
    ["cli"],
    ["__main__"],
]
RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem != "__init__")


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports: of `from package import module` the module."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            for alias in node.names:
                inner = PACKAGE.parent.joinpath(*node.module.split("."), f"{alias.name}.py")
                names.add(f"{node.module}.{alias.name}" if inner.is_file() else node.module)
    return names


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    part = path.relative_to(PACKAGE).with_suffix("").parts[0]
    ours = [name.split(".")[1] for name in imported(path) if name.startswith("iunet_med.")]
    assert part in RANK, f"{part} has no place in the layers; give it one in this test and in the docs"
    beside = [other for other in ours if other != part and RANK[other] >= RANK[part]]
    assert beside == [], "imports point down: neither up nor to a neighbour of the same rank"


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name_of(path): sorted(imported(path)) for path in MODULES}
    TopologicalSorter(graph).prepare()  # CycleError names the circle


@pytest.mark.parametrize("part", ["nn", "networks"])
def test_the_core_needs_torch_alone(part: str) -> None:
    paths = [path for path in (PACKAGE / part).glob("*.py") if path.stem != "kernel_launch"]  # takes triton if there is
    used = {name.split(".")[0] for path in paths for name in imported(path)}
    assert used - set(sys.stdlib_module_names) == {"torch", "iunet_med"}


def test_the_core_loads_without_monai() -> None:
    code = "import iunet_med.nn, iunet_med.networks, sys; sys.exit('monai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_only_the_server_of_an_app_needs_monai_label() -> None:
    server = {path for path in MODULES if path.is_relative_to(PACKAGE / "monai_label" / "server")}
    assert server
    theirs = ("monailabel", "fastapi", "iunet_med.monai_label.server")
    needing = {path for path in MODULES if any(name.startswith(theirs) for name in imported(path))}
    assert needing <= server
