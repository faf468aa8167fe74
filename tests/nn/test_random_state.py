import torch

from iunet_med.nn.random_state import RandomState


def test_a_draw_is_repeated_and_the_generator_goes_on() -> None:
    state = RandomState(torch.device("cpu"))
    first = torch.rand(3)
    after = torch.get_rng_state()
    with state.replayed():
        torch.testing.assert_close(torch.rand(3), first, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), after)
