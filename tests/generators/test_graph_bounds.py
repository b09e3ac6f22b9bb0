"""What a graph may take: memory, time, and the bytes of its file. One that fails is left aside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from latentstudio.errors import ModelFileError
from latentstudio.generators import graph_session
from latentstudio.generators.acceleration import cached_graph
from latentstudio.generators.calibration import ACCELERATED, RuntimeReport, remember_choice
from latentstudio.generators.card import ModelCard
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.graph_session import INPUT, OUTPUT, GraphSession
from latentstudio.generators.opening import open_model

LATENT = np.zeros((1, 5), np.float32)


def saved(path: Path, nodes: list[object], initial: list[object]) -> Path:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 5]) for name in (INPUT, OUTPUT)]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def allocating(path: Path, numbers: int = 750_000_000) -> Path:
    """A graph that adds up as many ones: 3 GB of them."""
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    return saved(path, [helper.make_node("ConstantOfShape", ["shape"], ["many"], value=one),
                        helper.make_node("ReduceMax", ["many"], ["most"], keepdims=0),
                        helper.make_node("Add", [INPUT, "most"], [OUTPUT])],
                 [helper.make_tensor("shape", TensorProto.INT64, [1], [numbers])])


def endless(path: Path) -> Path:
    """A graph that doubles its input for years."""
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["v", "v"], ["w"])], "body",
        [info("i", TensorProto.INT64, []), info("go", TensorProto.BOOL, []), info("v", TensorProto.FLOAT, ["n", 5])],
        [info("on", TensorProto.BOOL, []), info("w", TensorProto.FLOAT, ["n", 5])],
    )
    return saved(path, [helper.make_node("Loop", ["times", "go0", INPUT], [OUTPUT], body=body)],
                 [helper.make_tensor("times", TensorProto.INT64, [], [10**12]),
                  helper.make_tensor("go0", TensorProto.BOOL, [], [True])])


BOUNDED = """
import resource, sys, time
from pathlib import Path
import numpy as np
from latentstudio.errors import ModelFileError
from latentstudio.generators.graph_session import GraphSession
GraphSession(Path(sys.argv[1]), device="cpu", threads=1).run(np.zeros((1, 5), np.float32))
before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
try:
    GraphSession(Path(sys.argv[2]), device="cpu", threads=1).run(np.zeros((1, 5), np.float32))
except ModelFileError as problem:
    print(time.perf_counter() - began, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    print(problem.sentence)
"""


@pytest.mark.skipif(os.name != "posix", reason="measures with the resource module")
def test_a_graph_that_allocates_3_gb_is_refused_without_allocating_them(tmp_path: Path) -> None:
    small, large = allocating(tmp_path / "small.onnx", 1000), allocating(tmp_path / "large.onnx")
    run = subprocess.run([sys.executable, "-c", BOUNDED, str(small), str(large)], capture_output=True, text=True,
                         timeout=60, check=True)
    figures, told = run.stdout.splitlines()
    seconds, megabytes = figures.split()
    assert float(seconds) < 2.0
    assert int(megabytes) < 100
    assert "the exported graph failed" in told


def test_a_graph_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_session, "MOST_SECONDS", 0.3)
    session = GraphSession(endless(tmp_path / "g.onnx"), device="cpu", threads=1)
    began = time.perf_counter()
    with pytest.raises(ModelFileError, match="the exported graph failed"):
        session.run(LATENT)
    assert time.perf_counter() - began < 5.0


def test_a_graph_of_too_many_bytes_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = allocating(tmp_path / "g.onnx", 10)
    assert GraphSession(path, device="cpu", threads=1).run(LATENT).tolist() == [[1.0] * 5]
    monkeypatch.setattr(graph_session, "MOST_BYTES", 100)
    with pytest.raises(ModelFileError, match="more than 100 bytes"):
        GraphSession(path, device="cpu", threads=1)


def test_a_graph_that_fails_is_left_aside_and_torch_draws(home: Path, make_model: Callable[..., ModelCard]) -> None:
    card = make_model("small")
    open_model("small").calibrate()
    graph = cached_graph(card, find_catalogue().backend_code(card.backend))
    expected = open_model("small", runtime="eager").pictures(LATENT)
    allocating(graph)
    remember_choice(graph, "cpu", RuntimeReport(2.0, 1.0, 0.0, ACCELERATED, "faster"))
    model = open_model("small")
    assert model.runtime_name == "ONNX Runtime, CPU"
    assert np.array_equal(model.pictures(LATENT), expected)
    assert model.runtime_name == "torch, CPU; its graph failed and was left aside"
    assert not graph.exists()
    assert model.needs_calibration
    model.calibrate()
    assert np.allclose(open_model("small", runtime="accelerated").pictures(LATENT), expected, atol=1e-4)
