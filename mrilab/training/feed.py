"""Batches made ahead in a background thread. What a batch holds depends on seed and step alone."""

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

Batch = tuple[Tensor, ...]
AHEAD = 2  # Batches that wait.


def part_generator(seed: int, step: int, part: int) -> torch.Generator:
    """Return the randomness of one part of the batch of one step.

    There is no state to carry from step to step. Who resumes at a step, or makes parts of it on another device, draws
    the same numbers.
    """
    (mixed,) = np.random.SeedSequence((seed, step, part)).generate_state(1, np.uint32)
    return torch.Generator().manual_seed(int(mixed))


def prefetch(make: Callable[[int], Batch], steps: Iterable[int], device: torch.device) -> Generator[Batch]:
    """Yield `make(step)` for each of `steps`, in order, run ahead of need in one thread.

    An exception of `make` is raised here. On a GPU the thread works on a stream of its own beside the training.
    """
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def produce(step: int) -> Batch:
        with torch.cuda.stream(stream):  # None: the CPU, where this does nothing
            batch = make(step)
        if stream is not None:
            stream.synchronize()
        return batch

    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        futures = (pool.submit(produce, step) for step in steps)
        waiting = deque(itertools.islice(futures, AHEAD))
        try:
            while waiting:
                waiting.extend(itertools.islice(futures, 1))
                batch = waiting.popleft().result()
                for tensor in batch if stream else ():  # or the allocator might reuse this memory too early
                    tensor.record_stream(torch.cuda.current_stream(device))
                yield batch
        finally:
            pool.shutdown(cancel_futures=True)
