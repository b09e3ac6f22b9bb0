"""Several processes that train one model: each takes its share of every batch, and their gradients are averaged.

torch's own launcher starts them (``torchrun --nproc-per-node 2 -m latentstudio -- train ...``), and torch.distributed
alone joins them. Lightning Fabric and accelerate were weighed: both wrap the module and the optimiser, which the
alternating steps of the adversarial methods and our own checkpoints would have to unwrap again, for an average of the
gradients that takes one call here; and both are one more large dependency.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from latentstudio.errors import TrainingError


@dataclass(frozen=True)
class Processes:
    """This process among ``size``; ``rank`` 0 writes the files. Alone, everything here does nothing."""

    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """True in the one process that writes checkpoints and logs."""
        return self.rank == 0

    def share(self, batch: Tensor) -> Tensor:
        """This process's pictures of the whole batch (N, ...): every ``size``-th, so that each has equally many.

        Raises:
            TrainingError: the batch cannot be split evenly.
        """
        if self.size == 1:
            return batch
        if len(batch) % self.size:
            raise TrainingError(f"a batch of {len(batch)} for {self.size} processes", expected="a multiple of them",
                                action="change batch in the recipe")
        return batch[self.rank :: self.size]

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its mean over all processes, in place."""
        if self.size == 1:
            return
        kept = list(tensors)
        flat = torch.cat([tensor.reshape(-1).float() for tensor in kept])
        distributed.all_reduce(flat)
        flat /= self.size
        start = 0
        for tensor in kept:
            tensor.copy_(flat[start : start + tensor.numel()].view(tensor.shape))
            start += tensor.numel()

    def average_numbers(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """The means over all processes of named numbers."""
        if self.size == 1:
            return dict(numbers)
        values = torch.tensor(list(numbers.values()), dtype=torch.float64)
        distributed.all_reduce(values)
        return dict(zip(numbers, (values / self.size).tolist(), strict=True))

    def align(self, network: nn.Module) -> None:
        """Give every process the running statistics (buffers) of the first one."""
        if self.size == 1:
            return
        for buffer in network.buffers():
            distributed.broadcast(buffer, 0)


ALONE = Processes()


@contextmanager
def joined() -> Iterator[Processes]:
    """The processes that torchrun started, while the block runs; alone where it did not.

    Raises:
        TrainingError: the others could not be reached.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    # its functions take the whole group as their default when they are read: read while there is a group, as an
    # optimiser's first step would, they keep it and its threads for ever, and the interpreter may abort at its end
    importlib.import_module("torch.distributed.nn.functional")
    try:
        distributed.init_process_group("gloo")
    except (RuntimeError, ValueError) as problem:
        raise TrainingError(
            f"{size} processes could not be joined ({problem})", action="start them with torchrun"
        ) from problem
    try:
        yield Processes(distributed.get_rank(), size)
        distributed.barrier()  # who leaves first would cut the others' connection
    finally:
        distributed.destroy_process_group()
