"""The first batch is normalised, later ones are not; the inverse and the log-determinant are exact."""

import torch

from iunet_med.nn.activation_norm import ActivationNorm


def test_the_first_batch_in_training_sets_it_once() -> None:
    torch.manual_seed(0)
    norm, x = (
        ActivationNorm(3).double(),
        torch.randn(6, 3, 4, 5).double() * torch.tensor([1.0, 5, 0.1]).view(3, 1, 1) + 7,
    )
    untouched = norm.eval()(x)
    torch.testing.assert_close(untouched, x)
    y = norm.train()(x)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3).double(), atol=1e-12, rtol=0)
    torch.testing.assert_close(y.std((0, 2, 3), correction=0), torch.ones(3).double())
    torch.testing.assert_close(norm(2 * x), 2 * y + (norm.shift * torch.exp(norm.log_scale)).view(3, 1, 1))
    torch.testing.assert_close(norm.inverse(y), x)


def test_its_state_is_loaded_with_its_weights() -> None:
    trained, fresh = ActivationNorm(2), ActivationNorm(2)
    trained(torch.randn(4, 2, 8) + 3)
    fresh.load_state_dict(trained.state_dict())
    x = torch.randn(4, 2, 8)
    torch.testing.assert_close(fresh(x), trained(x))


def test_the_log_determinant_is_that_of_the_jacobian() -> None:
    norm = ActivationNorm(2).double()
    norm(3 * torch.randn(5, 2, 3).double())
    x = torch.randn(1, 2, 3).double()
    jacobian = torch.autograd.functional.jacobian(norm, x).reshape(6, 6)
    torch.testing.assert_close(norm.log_det(x)[0], torch.linalg.slogdet(jacobian)[1])
