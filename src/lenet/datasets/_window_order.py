import bisect
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class WindowOrder:
    """The order of examples that are too many to be in memory together.

    Blocks of neighbours are put into a random order. As many of them as fit into memory make a
    window, and all examples of a window are shuffled together. So an example may meet any other,
    and the disk is read a block at a time. Without a seed everything stays in its order.

    Attributes:
        count: Examples, at least 1.
        block: Examples of a block; the last block may have fewer.
        blocks_a_window: Blocks of a window; the last window may have fewer.
        seed: Decides the order; `None` for none.
    """

    count: int
    block: int
    blocks_a_window: int
    seed: int | None = None

    @property
    def windows(self) -> int:
        """How many there are."""
        return len(self._ends)

    def blocks_of(self, window: int) -> Tensor:
        """The numbers of a window's blocks, ascending: int64 (blocks,)."""
        start = window * self.blocks_a_window
        return self._blocks[start : start + self.blocks_a_window].sort().values

    def neighbours_of(self, window: int) -> Tensor:
        """The examples of a window as they lie on the disk: int64 (n,), ascending."""
        starts = self.blocks_of(window)[:, None] * self.block
        examples = (starts + torch.arange(self.block)).flatten()
        return examples[examples < self.count]

    def examples_of(self, window: int) -> Tensor:
        """The examples of a window in the order in which they come: int64 (n,)."""
        examples = self.neighbours_of(window)
        if self.seed is None:
            return examples
        generator = torch.Generator().manual_seed(int(self._seeds[window]))
        return examples[torch.randperm(len(examples), generator=generator)]

    def window_of(self, position: int) -> int:
        """The window that a position of the epoch is in."""
        return bisect.bisect_right(self._ends, position)

    def start_of(self, window: int) -> int:
        """The first position of the epoch that is in a window."""
        return self._ends[window - 1] if window else 0

    @cached_property
    def _drawn(self) -> tuple[Tensor, Tensor]:
        """The blocks in their order, and the seed of each window."""
        blocks = -(-self.count // self.block)
        windows = -(-blocks // self.blocks_a_window)
        if self.seed is None:
            return torch.arange(blocks), torch.zeros(windows, dtype=torch.int64)
        generator = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(blocks, generator=generator)
        return order, torch.randint(2**62, (windows,), generator=generator)

    @property
    def _blocks(self) -> Tensor:
        return self._drawn[0]

    @property
    def _seeds(self) -> Tensor:
        return self._drawn[1]

    @cached_property
    def _ends(self) -> list[int]:
        """Where each window ends, in positions of the epoch."""
        sizes = torch.full_like(self._blocks, self.block)
        missing = len(sizes) * self.block - self.count
        sizes[self._blocks == len(sizes) - 1] -= missing
        ends = sizes.cumsum(0)
        last = torch.arange(1, len(self._seeds) + 1) * self.blocks_a_window - 1
        return [int(end) for end in ends[last.clamp(max=len(sizes) - 1)]]
