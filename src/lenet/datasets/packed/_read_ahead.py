"""The images of a packed set that are in memory, and those that come next."""

import bisect
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, NamedTuple

import numpy as np
import numpy.typing as npt

from lenet.core import Generator
from lenet.datasets._place import Place, Values
from lenet.datasets.packed._images import IN_MEMORY_BYTES, PackedImages

_BLOCK_BYTES = 2**17  # neighbours that are read together
_IN_ORDER_BYTES = 2**24  # of a window that is not shuffled
_NOWHERE = -(2**48)  # a place that no index can be taken for
_Numbers = npt.NDArray[np.int64]
_Bytes = npt.NDArray[np.uint8]


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
        return len(self._ends)

    def blocks_of(self, window: int) -> _Numbers:
        """The numbers of a window's blocks, ascending: int64 (blocks,)."""
        start = window * self.blocks_a_window
        return np.sort(self._drawn[0][start : start + self.blocks_a_window])

    def neighbours_of(self, window: int) -> _Numbers:
        """The examples of a window as they lie on the disk: int64 (n,), ascending."""
        starts = self.blocks_of(window)[:, None] * self.block
        examples = (starts + np.arange(self.block, dtype=np.int64)).ravel()
        return examples[examples < self.count]

    def examples_of(self, window: int) -> _Numbers:
        """The examples of a window in the order in which they come: int64 (n,)."""
        examples = self.neighbours_of(window)
        if self.seed is None:
            return examples
        return examples[Generator(int(self._drawn[1][window])).permutation(len(examples))]

    def window_of(self, position: int) -> int:
        """The window that a position of the epoch is in."""
        return bisect.bisect_right(self._ends, position)

    def start_of(self, window: int) -> int:
        """The first position of the epoch that is in a window."""
        return self._ends[window - 1] if window else 0

    @cached_property
    def _drawn(self) -> tuple[_Numbers, _Numbers]:
        """The blocks in their order, and the seed of each window."""
        blocks = -(-self.count // self.block)
        windows = -(-blocks // self.blocks_a_window)
        if self.seed is None:
            return np.arange(blocks, dtype=np.int64), np.zeros(windows, np.int64)
        generator = Generator(self.seed)
        return generator.permutation(blocks), generator.integers(2**62, (windows,))

    @cached_property
    def _ends(self) -> list[int]:
        blocks, seeds = self._drawn
        sizes = np.full_like(blocks, self.block)
        missing = len(sizes) * self.block - self.count
        sizes[blocks == len(sizes) - 1] -= missing
        ends = np.cumsum(sizes)
        last = np.arange(1, len(seeds) + 1) * self.blocks_a_window - 1
        return [int(end) for end in ends[last.clip(max=len(sizes) - 1)]]


class _Window(NamedTuple):
    order: WindowOrder
    number: int


@dataclass(frozen=True)
class _Held(Generic[Values]):
    window: _Window
    examples: Values  # in the order in which they come, int64 (n,)
    places: Values  # where each of them is among the images, int64 (n,)
    slot: int  # the half of the room that it takes


class _Coming:
    """A window's images on their way into memory, in a thread that ends with them."""

    neighbours: _Numbers
    examples: _Numbers

    def __init__(
        self, images: PackedImages, window: _Window, slot: int, target: npt.NDArray[np.uint8]
    ):
        self.window, self.slot = window, slot
        self._error: BaseException | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._read, args=(images, target), name="lenet-read-ahead"
        )
        self._thread.start()

    def _read(self, images: PackedImages, target: _Bytes) -> None:
        order, number = self.window
        try:
            self.neighbours = order.neighbours_of(number)
            here = target[: len(self.neighbours)]
            images.read_into(self.neighbours, here, self._stopped.is_set)
            self.examples = order.examples_of(number)
        except BaseException as error:  # told in the thread that waits for the images
            self._error = error

    def wait(self) -> None:
        """Wait until all is read, or raise what stopped that."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Leave the rest unread, and wait until the thread has ended."""
        self._stopped.set()
        self._thread.join()


class ReadAhead(Generic[Values]):
    """The images of a packed set that are in memory, and those that come next.

    There is room for two windows of the order. While the examples of one are used, a thread reads
    the next into the other half. Whoever goes through an epoch is given the examples' numbers in
    the split; `locate` says where they are among `images` while they are there.

    One pass goes on at a time; a second one takes the room over, and the first one gets it back
    when it is asked for its next batch.

    With `shuffle` windows are so large that shuffling them mixes well.

    Attributes:
        packed: The images as they lie on the disk.
        all_labels: Of all examples of the split, int64 (N,).
        images: uint8 (places, C, H, W).
        labels: int64 (places,).
    """

    images: Values
    labels: Values
    _place: Place[Values]
    _places: Values  # of the blocks, where the images are

    def __init__(
        self,
        images: PackedImages,
        labels: _Numbers,
        batch_size: int,
        shuffle: bool,
        place: Place[Values],
    ):
        self.packed, self.all_labels, self._place = images, labels, place
        self._block = max(1, _BLOCK_BYTES // images.image_bytes)
        room = IN_MEMORY_BYTES if shuffle else min(IN_MEMORY_BYTES, _IN_ORDER_BYTES)
        block_bytes = self._block * images.image_bytes
        # A batch may reach into the window after, never farther.
        self._blocks_a_window = max(room // block_bytes, -(-batch_size // self._block) + 1)
        self._slot_size = self._blocks_a_window * self._block
        places = (2 * self._slot_size, *images.shape[1:])
        self._read_to = np.empty(places, np.uint8)
        self.images = place.put(self._read_to)
        self._read_labels = np.zeros(2 * self._slot_size, np.int64)
        self.labels = place.put(self._read_labels)
        blocks = -(-len(images) // self._block)
        self._block_places = np.full(blocks, _NOWHERE)
        self._places = place.put(self._block_places)
        self._held: list[_Held[Values] | None] = [None, None]
        self._coming: _Coming | None = None
        self._pass: object = None  # the one whose windows are held
        self._given: tuple[Values, Values] | None = None  # the batch that was given last

    def order(self, seed: int | None) -> WindowOrder:
        """The order that a seed decides; none without one."""
        return WindowOrder(len(self.packed), self._block, self._blocks_a_window, seed)

    def batches(
        self,
        order: WindowOrder,
        batch_size: int,
        start: int = 0,
        following: WindowOrder | None = None,
    ) -> Iterator[Values]:
        """Go through an order, from the batch `start` on: the examples of each, int64 (B,).

        `locate` knows them until the next batch is asked for. `following` is the order that will be
        wanted after this one, if that is known.
        """
        is_over, here = False, object()
        begin = start * batch_size
        try:
            while begin < order.count:
                self._pass = here
                last = min(begin + batch_size, order.count) - 1
                first = order.window_of(begin)
                held = self._hold_both(order, first, order.window_of(last), following)
                # As many batches as need no other window.
                offset = order.start_of(first)
                examples = self._place.join([one.examples for one in held])
                places = self._place.join([one.places for one in held])
                stop = order.start_of(first + 1) if len(held) == 1 else last + 1
                while begin < stop and self._pass is here:
                    end = min(begin + batch_size, order.count)
                    if end > stop:
                        break
                    batch = slice(begin - offset, end - offset)
                    self._given = examples[batch], places[batch]
                    begin = end
                    yield self._given[0]
            is_over = True
        finally:
            if not is_over:
                self.stop()

    def pieces(self) -> Iterator[Values]:
        """All images in the order of the split, uint8 (P, C, H, W) a piece, on the device."""
        order = self.order(None)
        self._pass = None
        try:
            for number in range(order.windows):
                held = self._hold(_Window(order, number), None)
                if number + 1 < order.windows:
                    self._expect(_Window(order, number + 1), held)
                start = held.slot * self._slot_size
                yield self.images[start : start + len(held.examples)]
        finally:
            self.stop()

    def locate(self, examples: Values) -> Values:
        """Where among `images` some examples of the split are, int64 as they.

        An example that is not there gets a place below 0, which is out of any range.
        """
        if self._given is not None and examples is self._given[0]:
            return self._given[1]
        places: Values = self._places[examples // self._block] + examples % self._block
        return places

    def stop(self) -> None:
        """Let the thread that reads ahead end, and wait for it; a pass that goes on starts it."""
        if self._coming is not None:
            self._coming.stop()
            self._coming = None

    def _hold_both(
        self, order: WindowOrder, first: int, last: int, following: WindowOrder | None
    ) -> list[_Held[Values]]:
        """Have the windows of a batch in memory, two at most, and begin to read what comes next."""
        held = [self._hold(_Window(order, first), None)]
        if last != first:
            held.append(self._hold(_Window(order, last), held[0]))
        elif last + 1 < order.windows:
            self._expect(_Window(order, last + 1), held[0])
        elif following is not None:
            self._expect(_Window(following, 0), held[0])
        return held

    def _find(self, window: _Window) -> _Held[Values] | None:
        return next((one for one in self._held if one and one.window == window), None)

    def _hold(self, window: _Window, beside: _Held[Values] | None) -> _Held[Values]:
        """Have a window's images in memory, and keep another one's."""
        if held := self._find(window):
            return held
        self._expect(window, beside)
        return self._admit()

    def _expect(self, window: _Window, beside: _Held[Values] | None) -> None:
        """Begin to read a window, unless that was begun, where another one is not."""
        if self._find(window) or (self._coming and self._coming.window == window):
            return
        self.stop()
        slot = 1 if beside is not None and beside.slot == 0 else 0
        self._forget(slot)
        start = slot * self._slot_size
        target = self._read_to[start : start + self._slot_size]
        self._coming = _Coming(self.packed, window, slot, target)

    def _forget(self, slot: int) -> None:
        """Say of a slot's images that they are not there any more."""
        old, self._held[slot], self._given = self._held[slot], None, None
        if old is not None:
            blocks = old.window.order.blocks_of(old.window.number)
            # A window of the next epoch may have brought some of its blocks to the other half.
            gone = blocks[self._block_places[blocks] // self._slot_size == slot]
            self._block_places[gone] = _NOWHERE
            self._place.refresh(self._places, self._block_places, gone)

    def _admit(self) -> _Held[Values]:
        reading, self._coming = self._coming, None
        assert reading is not None
        reading.wait()
        window, start = reading.window, reading.slot * self._slot_size
        here = slice(start, start + len(reading.neighbours))
        self._read_labels[here] = self.all_labels[reading.neighbours]
        blocks = window.order.blocks_of(window.number)
        self._block_places[blocks] = start + np.arange(len(blocks)) * self._block
        self._place.refresh(self.images, self._read_to, here)
        self._place.refresh(self.labels, self._read_labels, here)
        self._place.refresh(self._places, self._block_places, blocks)
        examples = self._place.put(reading.examples)
        held = _Held(window, examples, self.locate(examples), reading.slot)
        self._held[reading.slot] = held
        return held
