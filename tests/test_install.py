"""What installing promises: a fast command line, a core that needs torch alone, and imports without Unix."""

import subprocess
import sys


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_and_version_load_neither_torch_nor_monai() -> None:
    told = run("import iunet_med.cli, sys; print({'torch', 'monai', 'nibabel'} & set(sys.modules))")
    assert told.strip() == "set()"


def test_the_module_runs_as_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "iunet_med", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("iunet-med 0.")


BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {names}:
            raise ImportError(name + ' is blocked')
sys.meta_path.insert(0, Block())
"""


def test_the_core_works_where_only_torch_is_installed() -> None:
    others = ["monai", "nibabel", "SimpleITK", "pydicom", "ignite", "scipy", "matplotlib", "PIL", "rich", "typer"]
    code = "import torch\nfrom iunet_med import IUNet\nfrom iunet_med.memory import predict_step_memory\n"
    code += "print(IUNet(3, 1, 2, [4, 8])(torch.zeros(1, 1, 4, 4, 4)).shape[1])"
    assert run(BLOCK.replace("{names}", repr(others)) + code).strip() == "2"


def test_every_part_imports_without_the_modules_that_windows_lacks() -> None:
    parts = ", ".join(
        f"iunet_med.{part}" for part in ("inference", "cli.segment", "evaluation", "handlers", "transforms")
    )
    others = "torch, monai.bundle, monai.inferers, ignite.engine, typer, rich.progress, matplotlib.pyplot, SimpleITK"
    code = f"import {others}\nsys.platform = 'win32'\n"  # theirs ask for the platform, too
    run("import sys\n" + BLOCK.replace("{names}", "['resource', 'fcntl']") + code + f"import {parts}")
