"""How training images are changed at random, so that more is learnt from them."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """Random changes, drawn for each image on its own and uniform within these bounds.

    An image is mirrored first, then turned, scaled, squeezed and sheared at once, then shifted.
    What comes in from outside is 0.

    Attributes:
        flip: Mirror left to right with probability one half.
        rotation: Turn by up to this many degrees either way.
        scaling: Enlarge or shrink by up to this share.
        squeezing: Make wider and lower, or narrower and higher, by up to this share.
        shearing: Move rows sideways by up to this share of their distance from the middle.
        shift: Move by up to this many whole pixels either way, in both directions.
    """

    flip: bool = False
    rotation: float = 0.0
    scaling: float = 0.0
    squeezing: float = 0.0
    shearing: float = 0.0
    shift: int = 0

    @property
    def distorts(self) -> bool:
        """Whether more is done than to mirror and to move by whole pixels."""
        return any((self.rotation, self.scaling, self.squeezing, self.shearing))


@dataclass(frozen=True)
class DrawnChanges:
    """What happens to each image of a batch.

    Attributes:
        mirrored: Which images change left and right, bool (B,); `None` where none does.
        distortions: Where pixels come from, float32 (B, 2, 2): what becomes the pixel at (x, y)
            from the middle lies at the matrix times (x, y). `None` where none is distorted.
        shifts: How far rows and columns move, int64 (2, B): the pixel at (y, x) comes from
            (y + shifts[0], x + shifts[1]). `None` where none moves.
    """

    mirrored: Tensor | None = None
    distortions: Tensor | None = None
    shifts: Tensor | None = None

    def part(self, part: slice) -> "DrawnChanges":
        """What happens to some of the images."""
        return DrawnChanges(
            None if self.mirrored is None else self.mirrored[part],
            None if self.distortions is None else self.distortions[part],
            None if self.shifts is None else self.shifts[:, part],
        )


def draw_changes(
    augmentation: Augmentation, count: int, seed: int, device: torch.device
) -> DrawnChanges:
    """Draw what happens to the images of a batch; the same seed gives the same on every device."""
    generator = torch.Generator().manual_seed(seed)
    mirrored = distortions = shifts = None
    if augmentation.flip:
        mirrored = (torch.rand(count, generator=generator) < 0.5).to(device)
    if augmentation.shift:
        sizes = torch.randint(2 * augmentation.shift + 1, (2, count), generator=generator)
        shifts = (sizes - augmentation.shift).to(device)
    if augmentation.distorts:
        distortions = _draw_distortions(augmentation, count, generator).to(device)
    return DrawnChanges(mirrored, distortions, shifts)


def _draw_distortions(augmentation: Augmentation, count: int, generator: torch.Generator) -> Tensor:
    angle, scale, squeeze, shear = 2 * torch.rand(4, count, generator=generator).double() - 1
    angle = angle * math.radians(augmentation.rotation)
    scale = (1 + augmentation.scaling) ** scale
    squeeze = (1 + augmentation.squeezing) ** squeeze
    shear = shear * augmentation.shearing
    zero, one = torch.zeros_like(scale), torch.ones_like(scale)
    turned = _matrices(angle.cos(), -angle.sin(), angle.sin(), angle.cos())
    stretched = _matrices(scale * squeeze, zero, zero, scale / squeeze)
    sheared = _matrices(one, shear, zero, one)
    inverse: Tensor = torch.linalg.inv(turned @ sheared @ stretched)
    return inverse.float()


def _matrices(*entries: Tensor) -> Tensor:
    return torch.stack(entries, dim=1).reshape(-1, 2, 2)


def apply_changes(pixels: Tensor, changes: DrawnChanges) -> Tensor:
    """Change the images of a batch.

    Args:
        pixels: uint8 (B, C, H, W).
        changes: Of each image.

    Returns:
        0 to 255 of the same shape; uint8, or float32 where images are distorted.
    """
    if changes.mirrored is not None:
        pixels = torch.where(changes.mirrored[:, None, None, None], pixels.flip(-1), pixels)
    if changes.distortions is not None:
        pixels = _distort(pixels.float(), changes.distortions)
    if changes.shifts is not None:
        pixels = _shift(pixels, changes.shifts)
    return pixels


def _distort(pixels: Tensor, distortions: Tensor) -> Tensor:
    _, _, height, width = pixels.shape
    # PyTorch counts from the middle too, but in halves of the image's width and height.
    # Filled on the device: a CUDA graph can't wait for numbers from the CPU.
    halves = torch.stack([pixels.new_full((), size) for size in (width, height)])
    matrices = distortions * halves / halves[:, None]
    no_shift = matrices.new_zeros(len(matrices), 2, 1)
    grid = F.affine_grid(
        torch.cat([matrices, no_shift], dim=2), list(pixels.shape), align_corners=False
    )
    return F.grid_sample(pixels, grid, align_corners=False)


def _shift(pixels: Tensor, shifts: Tensor) -> Tensor:
    count, _, height, width = pixels.shape
    rows = shifts[0, :, None] + torch.arange(height, device=pixels.device)
    columns = shifts[1, :, None] + torch.arange(width, device=pixels.device)
    inside = _within(rows, height)[:, :, None] & _within(columns, width)[:, None, :]
    image = torch.arange(count, device=pixels.device)[:, None, None]
    moved = pixels.movedim(1, -1)[
        image, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]
    ]
    return torch.where(inside[:, None], moved.movedim(-1, 1), 0)


def _within(places: Tensor, size: int) -> Tensor:
    return (places >= 0) & (places < size)
