"""On tensors of the CPU, autocast works as on CUDA, and memory is predicted as a GPU showed it."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional

from benchmarks.architectures import basic_unet, iunet, seg_res_net
from iunet_med.memory import predict_step_memory
from iunet_med.memory.cuda_rules import cuda_rules

LOW = torch.bfloat16
VOLUME = (1, 4, 160, 192, 128)
CUBE = (1, 4, 128, 128, 128)


def low(*shape: int) -> Tensor:
    return torch.ones(shape, dtype=LOW)


@pytest.mark.parametrize(
    ("operation", "on_cuda", "on_cpu"),
    [
        (lambda: functional.group_norm(low(1, 4, 2, 2), 2), torch.float32, LOW),
        (lambda: functional.layer_norm(low(3, 4), (4,)), torch.float32, LOW),
        (lambda: functional.softmax(low(2, 3), 1), torch.float32, LOW),
        (lambda: low(2, 3).sum(), torch.float32, LOW),
        (lambda: functional.interpolate(low(1, 1, 2, 2, 2), scale_factor=2.0, mode="trilinear"), torch.float32, LOW),
        (lambda: functional.avg_pool3d(low(1, 1, 2, 2, 2), 2), LOW, torch.float32),
        (lambda: functional.max_pool3d(low(1, 1, 2, 2, 2), 2), LOW, torch.float32),
        (lambda: functional.conv3d(torch.ones(1, 1, 3, 3, 3), torch.ones(1, 1, 3, 3, 3)), LOW, LOW),
        (lambda: functional.mse_loss(low(3), low(3)), torch.float32, torch.float32),
    ],
    ids=["group_norm", "layer_norm", "softmax", "sum", "interpolate", "avg_pool3d", "max_pool3d", "conv3d", "mse"],
)
def test_types_are_those_of_cuda_inside_and_those_of_the_cpu_after(
    operation: Callable[[], Tensor], on_cuda: torch.dtype, on_cpu: torch.dtype
) -> None:
    def inside() -> Tensor:
        with cuda_rules(), FakeTensorMode(), torch.autocast("cpu", LOW):
            return operation()

    assert inside().dtype == on_cuda
    with pytest.raises(ZeroDivisionError), cuda_rules():
        _ = 1 // 0
    with FakeTensorMode(), torch.autocast("cpu", LOW):
        assert operation().dtype == on_cpu
    assert inside().dtype == on_cuda, "a second time"


def test_values_and_gradients_stay_right() -> None:
    x = torch.randn(2, 4, 6, dtype=LOW, requires_grad=True)
    norm = nn.GroupNorm(2, 4)
    with cuda_rules(), torch.autocast("cpu", LOW):
        y = norm(x)
        (grad,) = torch.autograd.grad(y.square().sum() + y.sum(), x)
    wanted = norm(x.float())
    torch.testing.assert_close(y, wanted)
    (wanted_grad,) = torch.autograd.grad(wanted.square().sum() + wanted.sum(), x)
    torch.testing.assert_close(grad, wanted_grad)


@pytest.mark.parametrize(
    ("build", "shape", "float32", "bf16"),
    [
        (partial(seg_res_net, 32), VOLUME, 8.56, 9.55),
        (basic_unet, VOLUME, 8.23, 4.30),
        (partial(iunet, 32, backprop="stored"), CUBE, 2.61, 2.12),
        (partial(iunet, 32, backprop="reversible"), CUBE, 1.14, 1.18),
        (partial(iunet, 32, backprop="reversible", state="fixed16"), CUBE, 1.15, 0.924),
    ],
    ids=["SegResNet-32", "BasicUNet", "IUNet-32 stored", "IUNet-32 reversible", "IUNet-32 fixed16"],
)
def test_the_prediction_is_what_a_gpu_took(
    build: Callable[[], nn.Module], shape: tuple[int, ...], float32: float, bf16: float
) -> None:
    """GiB by `torch.cuda.max_memory_allocated` on an H200, torch 2.11, in November 2026."""
    for autocast, measured in ((None, float32), (LOW, bf16)):
        predicted = predict_step_memory(build, shape, autocast=autocast, device_type="cuda").peak / 2**30
        assert predicted == pytest.approx(measured, rel=0.06)


def test_kernels_are_counted_where_triton_is_missing() -> None:
    code = (
        "import sys; sys.modules['triton'] = None\n"
        "from functools import partial\n"
        "from iunet_med import IUNet\nfrom iunet_med.memory import predict_step_memory\n"
        "build = partial(IUNet, 3, 1, 1, channels=(16, 32), backprop='stored')\n"
        "sizes = [predict_step_memory(build, (1, 1, 96, 96, 96), device_type=kind).rest for kind in ('cpu', 'cuda')]\n"
        "print(*sizes)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cpu, cuda = map(int, done.stdout.split())
    assert cuda < cpu


def test_other_devices_are_refused() -> None:
    with pytest.raises(ValueError, match="device_type: expected cpu or cuda, got 'mps'"):
        predict_step_memory(partial(nn.Linear, 1, 1), (1, 1), device_type="mps")  # type: ignore[arg-type]
