"""What users do with a network while training it works in reversible mode as in any other."""

import copy
import pickle
import time
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch._dynamo.testing import CompileCounterWithBackend
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from iunet_med import IUNet


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
    if rank == 0:
        torch.save([p.grad for p in net.parameters()], f"{folder}/gradients.pt")
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
    torch.testing.assert_close(torch.load(tmp_path / "gradients.pt"), expected)


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> CompileCounterWithBackend:
    """Count the functions of couplings that are compiled."""
    counter, compile_in_place = CompileCounterWithBackend("aot_eager"), nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda m, **options: compile_in_place(m, backend=counter, **options))
    return counter


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
@pytest.mark.filterwarnings("ignore:.*autograd.function.Function.* should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("mixed", [False, True])
def test_compiling_keeps_the_numbers_and_compiles_the_couplings(
    counter: CompileCounterWithBackend, *, mixed: bool
) -> None:
    net, x = network(), batch()
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        y = net(x)
    expected = [y.detach(), *gradients(net, y.float().square().mean())]
    compiled = torch.compile(net, backend="aot_eager")
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        y = compiled(x)
    in_forward = counter.frame_count
    actual = [y.detach(), *gradients(net, y.float().square().mean())]
    torch.testing.assert_close(actual, expected)
    assert 0 < in_forward < counter.frame_count


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
def test_compiling_reaches_the_couplings_of_every_level(counter: CompileCounterWithBackend) -> None:
    levels = (4, 8, 16, 32, 64, 128)
    net = IUNet(2, 2, 1, levels)
    torch.compile(net, backend="eager")(torch.randn(1, 2, 64, 64)).sum().backward()
    assert counter.frame_count >= 2 * len(levels)


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
