"""Random numbers as PyTorch draws them on a CPU, without PyTorch."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from lenet.core._cephes import natural_logarithm, sine_and_cosine

_SHARES = 2.0**-24  # PyTorch takes 24 bits of a word for a float32
_LARGE = 2**28  # whole numbers up to here are made of one word each, larger ones of two
_BLOCK = 16  # normal numbers come in blocks of so many, or one by one where they are fewer


class Generator:
    """The numbers of `torch.Generator().manual_seed(seed)`, to the bit.

    It is the Mersenne Twister (Matsumoto and Nishimura 1998) with 32-bit seeding, of which PyTorch
    takes the seed's low 32 bits.

    Args:
        seed: From 0 to 2⁶⁴ - 1.

    >>> Generator(0).permutation(5)
    array([4, 0, 1, 3, 2])
    """

    # Those that nobody uses any more: to make one takes 60 microseconds, to seed it one.
    _idle: ClassVar[list[np.random.RandomState]] = []

    def __init__(self, seed: int):
        try:
            self._twister = self._idle.pop()
        except IndexError:
            self._twister = np.random.RandomState()
        self._twister.seed(seed & 0xFFFFFFFF)
        self._spare: float | None = None  # a normal number

    def __del__(self) -> None:
        self._idle.append(self._twister)

    def words(self, count: int) -> npt.NDArray[np.uint32]:
        """Whole numbers of 32 bits, uint32 (count,)."""
        return self._twister.randint(0, 2**32, count, dtype=np.uint32)

    def _long_words(self, count: int) -> npt.NDArray[np.uint64]:
        """Whole numbers of 64 bits, uint64 (count,)."""
        pairs = self.words(2 * count).astype(np.uint64).reshape(-1, 2)
        whole: npt.NDArray[np.uint64] = (pairs[:, 0] << np.uint64(32)) | pairs[:, 1]
        return whole

    def uniform(
        self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0
    ) -> npt.NDArray[np.float32]:
        """Numbers from `low` up to `high`, as `Tensor.uniform_` and `torch.rand` draw them.

        Product and sum are rounded once, as a fused multiply-add does.
        """
        start, end = np.float32(low), np.float32(high)
        shares = (self.words(math.prod(shape)) & 0xFFFFFF) * _SHARES
        drawn: npt.NDArray[np.float32] = (shares * np.float64(end - start) + start).astype(
            "float32"
        )
        return drawn.reshape(shape)

    def normal(self, shape: tuple[int, ...], deviation: float = 1.0) -> npt.NDArray[np.float32]:
        """Normal numbers of mean 0, as `Tensor.normal_` draws them (Box and Muller 1958).

        They are PyTorch's to the bit where it runs on an x86 processor with AVX2; elsewhere it
        rounds a part of them differently.
        """
        count = math.prod(shape)
        if count < _BLOCK:
            few = [self._next_normal() * deviation for _ in range(count)]
            return np.array(few, np.float32).reshape(shape)
        shares = self.uniform((count,))
        whole = count // _BLOCK * _BLOCK
        drawn = np.empty(count, np.float32)
        drawn[:whole] = _normal_blocks(shares[:whole], deviation)
        if count > whole:  # the last block is drawn anew, and overlaps the one before
            drawn[-_BLOCK:] = _normal_blocks(self.uniform((_BLOCK,)), deviation)
        return drawn.reshape(shape)

    def _next_normal(self) -> float:
        """One of two that are drawn together."""
        if self._spare is not None:
            drawn, self._spare = self._spare, None
            return drawn
        angle, length = (int(word) % 2**53 * 2.0**-53 for word in self._long_words(2))
        length = math.sqrt(-2 * math.log1p(-length))
        self._spare = length * math.sin(2 * math.pi * angle)
        return length * math.cos(2 * math.pi * angle)

    def integers(self, high: int, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
        """Whole numbers from 0 up to below `high`, int64, as `torch.randint` draws them."""
        count = math.prod(shape)
        if high < _LARGE:
            whole = self.words(count).astype(np.uint64)
        else:
            whole = self._long_words(count)
        drawn: npt.NDArray[np.int64] = (whole % np.uint64(high)).astype(np.int64)
        return drawn.reshape(shape)

    def permutation(self, count: int) -> npt.NDArray[np.int64]:
        """The numbers below `count` in a random order, int64, as `torch.randperm` gives them.

        Each place in turn changes its number for that of itself or of a later place, chosen at
        random (Fisher and Yates 1938). All turns are taken at once here: what a place gets came to
        the chosen one at the turn before that chose it too, and at that turn from its own place.
        """
        places = np.arange(count, dtype=np.int64)
        chosen: npt.NDArray[np.int64] = places.copy()
        left = np.arange(count, 1, -1, dtype=np.uint32)
        np.add(chosen[:-1], self.words(len(left)) % left, out=chosen[:-1])
        ordered = (chosen << 32) | places
        ordered.sort()  # turns that chose the same place follow each other
        sorted_chosen, turns = ordered >> 32, ordered & 0xFFFFFFFF
        goes_on = sorted_chosen[:-1] == sorted_chosen[1:]
        last = np.flatnonzero(np.append(~goes_on, [True])[:count])
        origins = places  # of what a place holds at its turn: a turn back, and then all the way
        origins[sorted_chosen.take(last)] = turns.take(last)
        while not np.array_equal(origins, further := origins.take(origins)):
            origins = further
        before = np.flatnonzero(goes_on)
        chosen[turns.take(before + 1)] = origins.take(turns.take(before))
        return chosen


def _normal_blocks(shares: npt.NDArray[np.float32], deviation: float) -> npt.NDArray[np.float32]:
    """Normal numbers of uniform ones, a block at a time: half are lengths, half are angles."""
    first, second = shares.reshape(-1, 2, _BLOCK // 2).transpose(1, 0, 2)
    lengths = np.sqrt(np.float32(-2) * natural_logarithm(1 - first))
    sines, cosines = sine_and_cosine(np.float32(2 * math.pi) * second)
    drawn = np.stack([lengths * cosines, lengths * sines], axis=1).reshape(-1)
    drawn *= np.float32(deviation)
    return drawn
