import torch
from torch import nn

from iunet_med.nn import AdditiveCoupling, Couplings


def test_coupling_is_the_paper_s_formula_and_inverts() -> None:
    function = nn.Conv2d(2, 2, 3, padding=1).double()
    u, v = torch.randn(2, 3, 2, 5, 4, dtype=torch.float64)
    new_u, new_v = AdditiveCoupling(function)(u, v)
    torch.testing.assert_close(new_u, v)
    torch.testing.assert_close(new_v, u + function(v))
    torch.testing.assert_close(AdditiveCoupling(function).inverse(new_u, new_v), (u, v))


def test_couplings_have_unit_jacobian_and_invert() -> None:
    couplings = Couplings(AdditiveCoupling(nn.Conv1d(2, 2, 3, padding=1)) for _ in range(3)).double()
    x = torch.randn(1, 4, 3, dtype=torch.float64)
    torch.testing.assert_close(couplings.inverse(couplings(x)), x)
    jacobian = torch.autograd.functional.jacobian(couplings, x).reshape(12, 12)
    torch.testing.assert_close(torch.linalg.slogdet(jacobian)[1].reshape(1), couplings.log_det(x))
