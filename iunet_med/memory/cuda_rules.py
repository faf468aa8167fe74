"""CUDA's rules on tensors of the CPU: what autocast takes to float32, which kernels there are, what cuDNN takes.

Torch has a list of operations per device. Here the operations that are on one list alone get the behaviour that they
have on CUDA. Source: torch's header ATen/autocast_mode.h, AT_FORALL_FP32 and AT_FORALL_FP32_SET_OPT_DTYPE.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from iunet_med.nn.kernels import fake_tensors_on_gpu

_KEY = "AutocastCPU"
_OF_FLOAT32 = (
    *("acos", "asin", "cosh", "erfinv", "exp", "expm1", "log", "log10", "log2", "log1p", "reciprocal", "rsqrt"),
    *("sinh", "tan", "pow.Tensor_Scalar", "pow.Tensor_Tensor", "pow.Scalar", "softplus", "layer_norm"),
    *("native_layer_norm", "rms_norm", "group_norm", "frobenius_norm.dim", "nuclear_norm", "nuclear_norm.dim"),
    *("cosine_similarity", "dist", "pdist", "renorm", "logsumexp", "upsample_nearest1d", "upsample_nearest2d"),
    *("upsample_nearest3d", "_upsample_nearest_exact1d", "_upsample_nearest_exact2d", "_upsample_nearest_exact3d"),
    *("upsample_linear1d", "upsample_bilinear2d", "_upsample_bilinear2d_aa", "upsample_trilinear3d"),
    *("upsample_bicubic2d", "_upsample_bicubic2d_aa"),
)
"""Take their arguments to float32 on CUDA and not on a CPU."""
_TO_FLOAT32 = (
    *("softmax.int", "log_softmax.int", "cumprod", "cumsum", "linalg_vector_norm", "sum", "sum.dim_IntList"),
)
"""Return float32 on CUDA, without a copy of their arguments."""
_ALIKE = ("conv1d.padding", "conv2d.padding", "conv3d.padding")
"""On the CPU's list alone, and made of operations that are on both."""
_LOW = (torch.float16, torch.bfloat16)


@contextmanager
def cuda_rules() -> Iterator[None]:
    """Inside, autocast on the CPU, in all threads, works as on CUDA, and fake tensors have this package's kernels."""
    library = torch.library.Library("aten", "IMPL")  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="(?s).*verriding a previously registered kernel")
            for name, rule in _rules().items():
                _register(library, name, rule)
        with fake_tensors_on_gpu():
            yield
    finally:
        library._destroy()  # type: ignore[no-untyped-call]


def convolution_copies(operation: Any, args: Any, result: Any) -> int:
    """Bytes that a convolution takes for itself on CUDA: cuDNN works on copies whose channels come last.

    Counted as one copy of what goes in and one of what comes out; in the backward pass, of gradient and input.
    """
    if operation is torch.ops.aten.convolution.default:
        return int(args[0].nbytes + result.nbytes)
    if operation is torch.ops.aten.convolution_backward.default:
        return int(args[0].nbytes + args[1].nbytes)
    return 0


Rule = Callable[..., Any]


def _register(library: torch.library.Library, name: str, rule: Rule) -> None:
    packet, _, overload = name.partition(".")
    operation = getattr(getattr(torch.ops.aten, packet), overload or "default")
    below = torch._C.DispatchKeySet(getattr(torch._C.DispatchKey, _KEY))

    def run(*args: Any, **kwargs: Any) -> Any:
        with torch._C._ExcludeDispatchKeyGuard(below):
            return rule(operation, *args, **kwargs)

    library.impl(name, run, _KEY)  # type: ignore[no-untyped-call]


def _raised(operation: Rule, *args: Any, **kwargs: Any) -> Any:
    args, kwargs = tree_map(lambda x: x.float() if _is_low(x) else x, (args, kwargs))
    return operation(*args, **kwargs)


def _summed(operation: Rule, *args: Any, **kwargs: Any) -> Any:
    if _is_low(args[0]) and kwargs.get("dtype") is None:
        kwargs["dtype"] = torch.float32
    return operation(*args, **kwargs)


def _kept(operation: Rule, *args: Any, **kwargs: Any) -> Any:
    return operation(*args, **kwargs)


def _is_low(x: Any) -> bool:
    return isinstance(x, Tensor) and x.dtype in _LOW


@cache
def _rules() -> dict[str, Rule]:
    """What each operation does that this version of torch has on one of the lists alone."""
    has = torch._C._dispatch_has_kernel_for_dispatch_key
    known = [name for name in torch._C._dispatch_get_all_op_names() if name.startswith("aten::")]
    cpu, cuda = ({n.removeprefix("aten::") for n in known if has(n, key)} for key in (_KEY, "AutocastCUDA"))
    rules: dict[str, Rule] = {name: _raised for name in _OF_FLOAT32 if name in cuda - cpu}
    rules |= {name: _summed for name in _TO_FLOAT32 if name in cuda - cpu}
    return rules | {name: _kept for name in cpu - cuda if name not in _ALIKE}
