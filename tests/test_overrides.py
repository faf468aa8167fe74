"""An option that names nothing is refused with the nearest ids; everything that the command understands passes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from monai.bundle import __main__ as command

from iunet_med.overrides import check_overrides, read_options

CONFIGS = Path(__file__).parents[1] / "bundle" / "iunet_brats_mri" / "configs"
OVERLAY = {"my_number": 3, "mine": {"a": 1, "parts": [{"_target_": "Compose"}, 2]}}


def files_of(config: str) -> list[str]:
    return [str(CONFIGS / f"{name}.json") for name in (*["inference"] * (config == "evaluate"), config)]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]
    (tmp_path / "mine.json").write_text(json.dumps(OVERLAY))

    def run(*options: str, config: str = "train", files: bool = True) -> None:
        configs = ["--config_file", str([*files_of(config), str(tmp_path / "mine.json")])] if files else []
        monkeypatch.setattr(sys, "argv", [str(command.__file__), "run", *configs, *options])
        check_overrides()

    return run


@pytest.mark.parametrize("config", ["train", "inference", "evaluate"])
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--channel", "[8,16]"], "The configs have no id --channel: did you mean --channels"),
        (["--channel=[8,16]"], "did you mean --channels"),
        (["--channel"], "did you mean --channels"),
        (["--Amp", "False"], "did you mean --amp"),
        (["--my_nmber", "3"], "did you mean --my_number"),
        (["--mine::b", "3"], "did you mean .*--mine::a"),
        (["--mine#b", "3"], "no id --mine::b"),
        (["--mine::parts::7", "3"], "did you mean --mine::parts"),
        (["--xyzxyz", "3"], "no id --xyzxyz: see the config's ids"),
        (["--channel", "[8]", "--xyzxyz", "3"], "no id --channel.*; .*no id --xyzxyz"),
        (["--dataset-dirs", "x"], "did you mean --dataset_dir"),
    ],
)
def test_what_names_nothing_is_refused(check, options: list[str], told: str, config: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=told):
        check(*options, config=config)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--max_epoch", "did you mean --max_epochs"),
        ("--weight_decay", "did you mean .*--optimizer::weight_decay"),
        ("--train::handler", "did you mean --train::handlers"),
    ],
)
def test_training_knows_its_own(check, option: str, told: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=told):
        check(option, "1")


def test_what_the_command_understands_passes(check, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    check()
    check("--max_epochs", "1", "--channels", "[8, 16]", "--resume", "--noamp", "--dataset-dir", "x", "--seed=-1")
    check("--layout::name", "brats18", "--train::handlers::0::_disabled_", "True", "--train#trainer#epoch_length", "2")
    check(
        "--network_def::norm", "group", "--optimizer::betas", "[0.9, 0.99]", "--my_number", "4", "--mine::parts::1", "5"
    )
    check("--mine", "{'_target_': 'x'}", "--mine::other", "3", "--_meta_::version", "2")
    own = ("run_id", "init_id", "final_id", "meta_file", "logging_file", "workflow_type", "properties_path")
    check(*(text for name in own for text in (f"--{name}", "x")), "--", "--verbose")
    check("--tracking", "mlflow", "--experiment_name", "a")
    check("--train::dataset::data", "$[{'image': 'a'}]")


def test_an_args_file_is_read_as_the_command_does(check, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "args.json"
    path.write_text(json.dumps({"config_file": str(CONFIGS / "train.json"), "max_epochs": 1, "max_epoch": 2}))
    with pytest.raises(ValueError, match="no id --max_epoch: did you mean --max_epochs"):
        check("--args_file", str(path), files=False)


def test_other_programs_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mine.py", "run", "--config_file", str(CONFIGS / "train.json"), "--epochs", "3"])
    check_overrides()


def test_options_are_read_as_fire_reads_them() -> None:
    read = read_options(["--a", "1", "--b=x=y", "--c", "--nod", "--e-f", "[1, 'g']", "--", "--h", "2"])
    assert read == {"a": 1, "b": "x=y", "c": True, "d": False, "e_f": [1, "g"]}


@pytest.mark.slow
@pytest.mark.parametrize(("config", "processes"), [("train", 0), ("inference", 0), ("evaluate", 2)])
def test_the_command_refuses_before_anything_else(config: str, processes: int, tmp_path: Path) -> None:
    files = files_of(config) + [str(CONFIGS / f"multi_gpu_{config}.json")] * bool(processes)
    launcher = ["-m", "torch.distributed.run", f"--nproc_per_node={processes}", "--standalone"] if processes else []
    arguments = ["-m", "monai.bundle", "run", "--config_file", str(files), "--chanels", "[8]"]
    call = [sys.executable, "-W", "ignore", *launcher, *arguments, "--output_dir", str(tmp_path / "out")]
    done = subprocess.run(call, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "ValueError: The configs have no id --chanels: did you mean --channels" in done.stderr
    assert not (tmp_path / "out").exists()
