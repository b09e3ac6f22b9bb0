"""What torch imports at its first forward derivative, seconds long: imported beforehand, where others can go on."""

import torch._decomp.decompositions_for_jvp
import torch._dynamo  # noqa: F401 (here for its import alone)
