"""Owns the rotation that lays one set of points on another, for many sets at once and without a decomposition that has a GPU
wait for the CPU."""

from __future__ import annotations

import torch
from torch import Tensor

from mpm_core.on_device import numbers

# Horn's matrix of a quaternion's quadratic form, by the products (left axis, right axis, sign) that each of its entries sums.
_ENTRIES = {
    (0, 0): ((0, 0, 1), (1, 1, 1), (2, 2, 1)),
    (1, 1): ((0, 0, 1), (1, 1, -1), (2, 2, -1)),
    (2, 2): ((0, 0, -1), (1, 1, 1), (2, 2, -1)),
    (3, 3): ((0, 0, -1), (1, 1, -1), (2, 2, 1)),
    (0, 1): ((1, 2, 1), (2, 1, -1)),
    (0, 2): ((2, 0, 1), (0, 2, -1)),
    (0, 3): ((0, 1, 1), (1, 0, -1)),
    (1, 2): ((0, 1, 1), (1, 0, 1)),
    (1, 3): ((2, 0, 1), (0, 2, 1)),
    (2, 3): ((1, 2, 1), (2, 1, 1)),
}
_SQUARINGS = 18
"""After these, an eigenvalue that is smaller than the largest by 1e-5 of it counts for a tenth."""


def _horn() -> list[list[list[list[float]]]]:
    """(3, 3, 4, 4): what each product adds to the matrix."""
    parts = [[[[0.0] * 4 for _ in range(4)] for _ in range(3)] for _ in range(3)]
    for (row, column), products in _ENTRIES.items():
        for left, right, sign in products:
            parts[left][right][row][column] = parts[left][right][column][row] = float(sign)
    return parts


_HORN = _horn()


def best_turn(products: Tensor) -> Tensor:
    """(..., 3, 3) rotations that lay points best on others, in the sense of least squares; products: (..., 3, 3), the sums of
    point times other point, axis by axis.

    The quaternion is the eigenvector of the largest eigenvalue (Horn, "Closed-form solution of absolute orientation using unit
    quaternions", J. Opt. Soc. Am. A 4, 1987), found by squaring the matrix.
    """
    form = torch.einsum("...ac,acij->...ij", products, numbers(_HORN, products).to(products.dtype))
    size = form.flatten(-2).norm(dim=-1)[..., None, None].clamp(min=1e-12)
    power = form / size + torch.eye(4, device=form.device, dtype=form.dtype)  # no eigenvalue below zero
    for _ in range(_SQUARINGS):
        power = power @ power
        power = power / power.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
    largest = power.diagonal(dim1=-2, dim2=-1).argmax(-1)[..., None, None]
    w, x, y, z = torch.nn.functional.normalize(power.take_along_dim(largest, -2)[..., 0, :], dim=-1).unbind(-1)
    rows = (
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    )  # fmt: skip
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))
