"""What users do with a network while training it works in reversible mode as in any other."""

import copy
import pickle
import time
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from iunet_med import IUNet
from iunet_med.nn.plain import has_hooks


def network(**settings) -> IUNet:
    torch.manual_seed(0)
    return IUNet(2, 2, 1, (4, 8), **settings)


def batch(*, requires_grad: bool = False) -> Tensor:
    return torch.randn(4, 2, 8, 8, generator=torch.Generator().manual_seed(1)).requires_grad_(requires_grad)


def gradients(net: nn.Module, loss: Tensor) -> list[Tensor]:
    net.zero_grad()
    loss.backward()
    return [p.grad.clone() for p in net.parameters() if p.grad is not None]


def test_accumulated_gradients_are_those_of_the_whole_batch() -> None:
    net, x = network(), batch()
    whole = gradients(net, net(x).square().sum())
    net.zero_grad()
    for part in x.split(2):
        net(part).square().sum().backward()
    torch.testing.assert_close([p.grad for p in net.parameters()], whole)


def test_clipping_and_steps_equal_stored_training() -> None:
    nets = [network().double(), network(backprop="stored").double()]
    for net in nets:
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
        for _ in range(5):
            optimizer.zero_grad()
            net(batch().double()).square().mean().backward()
            nn.utils.clip_grad_norm_(net.parameters(), 0.1)
            optimizer.step()
    torch.testing.assert_close(nets[0].state_dict(), nets[1].state_dict())


def test_weights_load_into_the_other_mode_and_survive_pickling() -> None:
    net, x = network(), batch()
    stored = IUNet(2, 2, 1, (4, 8), backprop="stored")
    stored.load_state_dict(net.state_dict())
    torch.testing.assert_close(stored(x), net(x))
    thawed = pickle.loads(pickle.dumps(net))
    torch.testing.assert_close(gradients(thawed, thawed(x).sum()), gradients(net, net(x).sum()))


def test_ema_follows_the_weights() -> None:
    net, x = network(), batch()
    ema = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    before = copy.deepcopy(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(x).square().sum().backward()
    for _ in range(2):
        optimizer.step()
        ema.update_parameters(net)
    assert not torch.allclose(ema(x), before(x))
    for p, q, average in zip(before.parameters(), net.parameters(), ema.parameters(), strict=True):
        first = (p + q) / 2
        torch.testing.assert_close(average.detach(), (first + q).detach() / 2, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("low", [torch.bfloat16, torch.float16])
def test_autocast_gradients_are_as_near_to_full_precision_as_stored_ones(low: torch.dtype) -> None:
    x, scaler = batch(), torch.amp.GradScaler("cpu", init_scale=256.0)
    full = network()
    reference = gradients(full, full(x).square().mean())
    errors, low_gradients = [], []
    for backprop in ("reversible", "stored"):
        net = network(backprop=backprop)
        with torch.autocast("cpu", low):
            loss = net(x).float().square().mean()
        grads = [grad / 256 for grad in gradients(net, scaler.scale(loss))]
        low_gradients.append(torch.cat([grad.flatten() for grad in grads]))
        errors.append(float(sum((a - b).square().sum() for a, b in zip(grads, reference, strict=True))) ** 0.5)
    ours, stored = low_gradients
    assert (ours - stored).norm() <= 1e-2 * stored.norm()
    assert errors[0] <= 1.1 * errors[1]


def _worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    limit = timedelta(seconds=60)
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2, timeout=limit)
    net = DistributedDataParallel(network().double())
    part = batch().double().chunk(2)[rank]
    net(part).square().mean().backward()
    sharded = fully_shard(network().double(), mesh=init_device_mesh("cpu", (2,)))
    assert not has_hooks(sharded.unet.level)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
        sharded(part).square().mean().backward()
    whole = [p.grad.full_tensor() for p in sharded.parameters()]
    if rank == 0:
        torch.save({"replicated": [p.grad for p in net.parameters()], "sharded": whole}, f"{folder}/gradients.pt")
    dist.barrier()
    dist.destroy_process_group()


def test_two_processes_have_the_gradients_of_the_joint_batch(tmp_path: Path) -> None:
    workers = torch.multiprocessing.spawn(_worker, args=(str(tmp_path),), nprocs=2, join=False)
    deadline = time.monotonic() + 120
    while not workers.join(timeout=1):
        if time.monotonic() > deadline:
            for process in workers.processes:
                process.kill()
            pytest.fail("two processes did not finish a step within 120 s")
    net = network().double()
    expected = gradients(net, net(batch().double()).square().mean())
    found = torch.load(tmp_path / "gradients.pt")
    torch.testing.assert_close(found["replicated"], expected)
    torch.testing.assert_close(found["sharded"], expected)


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> CompileCounterWithBackend:
    """Count the forward graphs of couplings' functions, and compile all by a backend that needs no compiler."""
    counter, compile_ = CompileCounterWithBackend("aot_eager"), torch.compile
    torch._dynamo.reset()

    def compiled(model, *, dynamic=None, backend=None):
        return compile_(model, dynamic=dynamic, backend=backend or counter)

    monkeypatch.setattr(torch, "compile", compiled)
    return counter


def passes(net: nn.Module, call: nn.Module, x: Tensor, *, mixed: bool = False) -> list[Tensor]:
    torch.manual_seed(2)
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        y = call(x)
    return [y.detach(), *gradients(net, y.float().square().mean())]


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
@pytest.mark.filterwarnings("ignore:.*autograd.function.Function.* should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize(
    "settings",
    [{}, {"dropout": 0.5}, {"backprop": ("recompute", "store")}, {"norm": None, "act": "gelu"}, {"coupling_depth": 2}],
    ids=str,
)
def test_compiling_keeps_the_numbers_in_one_pair_of_graphs_per_level(
    counter: CompileCounterWithBackend, settings: dict[str, Any], *, mixed: bool
) -> None:
    net, x = network(couplings=3, **settings), batch()
    if not mixed:
        net, x = net.double(), x.double()
    compiled = torch.compile(net, backend="aot_eager")
    expected = passes(net, net, x, mixed=mixed)
    for _ in range(2):
        torch.testing.assert_close(passes(net, compiled, x, mixed=mixed), expected)
        assert counter.frame_count == (1 if "backprop" in settings else 2)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
@pytest.mark.filterwarnings("ignore:.*autograd.function.Function.* should not be instantiated:DeprecationWarning")
def test_frozen_parameters_of_a_compiled_network_stay_without_gradient(counter: CompileCounterWithBackend) -> None:
    net, x = network(), batch()
    net.unet.level.left.couplings[0].function[0].weight.requires_grad_(False)
    net.unet.level.lower.inner.down.weight.requires_grad_(False)
    torch.testing.assert_close(passes(net, torch.compile(net, backend="aot_eager"), x), passes(net, net, x))
    assert net.unet.level.left.couplings[0].function[0].weight.grad is None


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
@pytest.mark.filterwarnings("ignore:.*autograd.function.Function.* should not be instantiated:DeprecationWarning")
def test_another_size_gets_graphs_of_its_own_and_another_network_shares_none(
    counter: CompileCounterWithBackend,
) -> None:
    nets = [network(), network()]
    for number, net in enumerate(nets):
        compiled = torch.compile(net, backend="aot_eager")
        for size in (8, 16, 8):
            passes(net, compiled, torch.randn(1, 2, size, size))
        assert counter.frame_count == 4 * (number + 1)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
@pytest.mark.filterwarnings("ignore:.*autograd.function.Function.* should not be instantiated:DeprecationWarning")
def test_without_a_compiler_a_network_runs_uncompiled_and_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(graph: Any, inputs: Any) -> None:
        raise RuntimeError("No working C++ compiler found.")

    net, x = network(), batch()
    expected, compile_ = passes(net, net, x), torch.compile
    compiled = torch.compile(net, backend="eager")
    monkeypatch.setattr(torch, "compile", lambda function, *, dynamic: compile_(function, backend=broken))
    with pytest.warns(UserWarning, match=r"torch\.compile failed for a coupling .*the couplings run uncompiled"):
        torch.testing.assert_close(passes(net, compiled, x), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.testing.assert_close(passes(net, compiled, x), expected)


@pytest.mark.parametrize("low", [torch.bfloat16, torch.float16])
def test_deep_networks_under_autocast_have_the_stored_gradients(low: torch.dtype) -> None:
    torch.manual_seed(0)
    net = IUNet(2, 2, 1, (8, 16), couplings=12)
    results = []
    for backprop in ("reversible", "stored"):
        net.unet.backprop = backprop
        with torch.autocast("cpu", low):
            y = net(torch.randn(2, 2, 16, 16, generator=torch.Generator().manual_seed(1)))
        results.append(torch.cat([grad.flatten() for grad in gradients(net, y.float().square().mean())]))
    reversible, stored = results
    assert (reversible - stored).norm() <= 1e-4 * stored.norm()
