"""Opening models: pictures from both runtimes, measured choice, and what a bad plugin or file does."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from latentstudio.errors import CapabilityError, DeviceError, ModelFileError, PluginError, UnknownNameError, UsageError
from latentstudio.files import sha256_of
from latentstudio.generators.acceleration import cached_graph, find_graph
from latentstudio.generators.calibration import AGREEMENT, choose, read_choice
from latentstudio.generators.capabilities import Encodes
from latentstudio.generators.card import ModelCard, read_card, write_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.conditions import Conditions
from latentstudio.generators.graph_session import GraphSession, provider_line
from latentstudio.generators.guarding import guard
from latentstudio.generators.importing import import_model
from latentstudio.generators.manifest import code_hash, read_manifest
from latentstudio.generators.opening import open_model, resolve_device
from latentstudio.latents import sample_prior

FAKE = """
import torch
class Made:
    def __init__(self, card):
        self.card, self.network = card, torch.nn.Linear(1, 1)
    def generate(self, latent, *, space="z", conditions=None):
        {generate}
class Working:
    def probe(self, path):
        {probe}
    def open(self, card, folder, *, device):
        {open}
def create():
    return Working()
"""
FINE = {"generate": "return torch.zeros(len(latent), 3, 64, 64)", "probe": "return None", "open": "return Made(card)"}


def graph_of(card: ModelCard) -> Path:
    """Where the cached graph of a model lies, with the plugins that are there now."""
    return cached_graph(card, find_catalogue().backend_code(card.backend))


@pytest.mark.parametrize("backend", ["beta_vae", "dcgan"])
def test_both_runtimes_draw_the_same(make_model: Callable[..., ModelCard], backend: str) -> None:
    card = make_model("small", backend=backend)
    latents = sample_prior(card.spaces[0], count=70, seed=0)
    eager, fast = open_model("small", runtime="eager"), open_model("small", runtime="accelerated")
    assert (eager.runtime_name, fast.runtime_name) == ("torch, CPU", "ONNX Runtime, CPU")
    drawn = fast.pictures(latents)
    assert drawn.shape == (70, 3, *card.image_size)
    assert drawn.dtype == np.float32
    assert float(np.abs(drawn - eager.pictures(latents)).max()) <= AGREEMENT
    assert 0.0 <= drawn.min() <= drawn.max() <= 1.0


def test_without_a_graph_torch_draws_until_the_measurement_is_made(make_model: Callable[..., ModelCard]) -> None:
    card = make_model("small", backend="dcgan")
    model = open_model("small")
    assert (model.runtime_name, model.needs_calibration) == ("torch, CPU", True)
    steps = list(model.calibration())
    report = steps[-1].report
    assert report is not None
    assert [step.report for step in steps[:-1]] == [None] * (len(steps) - 1)
    assert report.largest_difference is not None
    assert report.largest_difference <= AGREEMENT
    assert not model.needs_calibration
    assert read_choice(graph_of(card), "cpu") == report
    again = open_model("small")
    assert (again.needs_calibration, again.report) == (False, report)


def test_a_measurement_of_other_versions_is_made_again(
    make_model: Callable[..., ModelCard], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = make_model("small", backend="dcgan")
    open_model("small").calibrate()
    assert read_choice(graph_of(card), "cpu") is not None
    monkeypatch.setattr("latentstudio.generators.calibration.version", lambda package: "0.0")
    assert read_choice(graph_of(card), "cpu") is None
    assert open_model("small").needs_calibration


def test_the_faster_one_is_taken_only_when_the_two_agree() -> None:
    assert choose(7.0, {1: 4.0, 2: 3.0}, 1e-6).chosen == "accelerated"
    assert choose(7.0, {1: 4.0, 2: 3.0}, 1e-6).threads == 2
    assert choose(7.0, {1: 3.2, 2: 3.0}, 1e-6).threads == 1  # about as fast: a core is left for the window
    assert choose(7.0, {1: 8.0}, 1e-6).chosen == "eager"
    apart = choose(7.0, {1: 1.0}, 1e-2)
    assert apart.chosen == "eager"
    assert "differs" in apart.reason


def test_pictures_need_no_torch_where_a_graph_lies_ready(make_model: Callable[..., ModelCard]) -> None:
    make_model("small")
    open_model("small", runtime="accelerated")
    code = (
        "import sys; from latentstudio.generators.opening import open_model; import numpy as np;"
        "m = open_model('small'); p = m.pictures(np.zeros((1, 5), np.float32));"
        "print(p.shape, m.runtime_name, m.needs_calibration, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1, 3, 64, 64) ONNX Runtime, CPU True False"
    assert done.stderr == ""


def test_a_waiting_graph_costs_no_processor_time(make_model: Callable[..., ModelCard]) -> None:
    card = make_model("small")
    open_model("small", runtime="accelerated")
    session = GraphSession(graph_of(card), device="cpu", threads=2)
    session.run(np.zeros((1, 5), np.float32))
    before, began = time.process_time(), time.perf_counter()
    threading.Event().wait(0.5)
    assert (time.process_time() - before) / (time.perf_counter() - began) < 0.02


def test_a_broken_cached_graph_is_made_again(make_model: Callable[..., ModelCard]) -> None:
    card = make_model("small", backend="dcgan")
    graph_of(card).parent.mkdir(parents=True)
    graph_of(card).write_bytes(b"not a graph")
    model = open_model("small")
    assert model.runtime_name == "torch, CPU"
    assert model.calibrate().accelerated_ms is not None
    assert graph_of(card).stat().st_size > 1000


def test_a_shipped_graph_counts_only_with_its_hash(home: Path, make_model: Callable[..., ModelCard]) -> None:
    card = make_model("small")
    folder = home / "data" / "models" / "small"
    (folder / "generator.onnx").write_bytes(b"something else")
    told = replace(card, accelerated="generator.onnx", accelerated_sha256="0" * 64)
    write_card(folder, told)
    assert find_graph(told, folder, "") is None
    assert open_model("small").runtime_name == "torch, CPU"


def test_the_graph_of_a_strangers_folder_is_never_run(
    home: Path, tmp_path: Path, make_model: Callable[..., ModelCard]
) -> None:
    """Nothing bounds what a graph does with memory: one that allocates 3 GB ran without a limit."""
    card, ours = make_model("small"), home / "data" / "models" / "small"
    open_model("small").calibrate()
    (ours / "generator.onnx").write_bytes(graph_of(card).read_bytes())
    graph_of(card).unlink()
    told = replace(card, accelerated="generator.onnx", accelerated_sha256=sha256_of(ours / "generator.onnx"))
    write_card(ours, told)
    assert open_model("small").runtime_name == "ONNX Runtime, CPU"
    elsewhere = tmp_path / "small"
    shutil.copytree(ours, elsewhere)
    assert open_model(elsewhere).runtime_name == "torch, CPU"
    shutil.rmtree(ours)
    added = import_model(elsewhere, catalogue=find_catalogue()).entry
    assert not (added.folder / "generator.onnx").exists()
    assert open_model(added.name).runtime_name == "torch, CPU"


def test_gradients_reach_the_latent(make_model: Callable[..., ModelCard]) -> None:
    make_model("small", backend="dcgan")
    model = open_model("small")
    latent = torch.ones((1, 6), requires_grad=True)
    model.pictures(np.ones((1, 6), np.float32))
    model.generator.generate(latent).sum().backward()
    assert latent.grad is not None
    assert float(latent.grad.abs().max()) > 0


@pytest.mark.parametrize("latent", [np.zeros((1, 4)), np.zeros((2, 5, 1)), np.zeros(7), np.full((1, 5), np.nan)])
def test_wrong_latents_are_refused(make_model: Callable[..., ModelCard], latent: np.ndarray) -> None:
    make_model("small")
    with pytest.raises(UsageError):
        open_model("small").pictures(latent)


def test_wrong_options_are_refused(make_model: Callable[..., ModelCard]) -> None:
    make_model("small")
    model, latent = open_model("small"), np.zeros((1, 5), np.float32)
    for options in ({"label": 0}, {"truncation": float("nan")}, {"truncation": -1.0}):
        with pytest.raises(UsageError):
            model.pictures(latent, conditions=Conditions.of(**options))
    assert np.array_equal(model.pictures(latent + 1, conditions=Conditions.of(truncation=0.0)), model.pictures(latent))
    with pytest.raises(UsageError):
        open_model("small", runtime="fastest")
    with pytest.raises(UnknownNameError):
        open_model("no-such-model")


def test_devices_are_checked(make_model: Callable[..., ModelCard]) -> None:
    assert resolve_device("cpu") == "cpu"
    with pytest.raises(UsageError):
        resolve_device("tpu")
    assert resolve_device("auto") in ("cpu", "cuda")
    assert provider_line("cpu").endswith(", CPU")
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError):
            resolve_device("cuda")


def test_truncated_and_foreign_weights_are_refused_at_opening(
    home: Path, make_model: Callable[..., ModelCard]
) -> None:
    card = make_model("small")
    weights = home / "data" / "models" / "small" / card.weights
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    with pytest.raises(ModelFileError, match="promises"):
        open_model("small")
    weights.write_bytes(whole[:-4] + b"\0\0\0\1")
    with pytest.raises(ModelFileError, match="SHA-256"):
        open_model("small", runtime="eager")


def test_weights_of_another_shape_than_the_card_are_refused(
    home: Path, make_model: Callable[..., ModelCard]
) -> None:
    for backend in ("beta_vae", "dcgan"):
        card = make_model(backend.replace("_", "-"), backend=backend)
        wrong = replace(card, spaces=(replace(card.spaces[0], shape=(9,)),))
        write_card(home / "data" / "models" / card.name, wrong)
        with pytest.raises(ModelFileError, match=card.name):
            open_model(card.name)


@pytest.mark.parametrize(("where", "line", "told"), [
    ("open", "raise RuntimeError('no such layer')", "no such layer"),
    ("open", "return None", "NoneType"),
    ("generate", "raise RuntimeError('out of cheese')", "out of cheese"),
    ("generate", "return torch.zeros(len(latent), 1, 64, 64)", "shape"),
    ("generate", "return torch.full((len(latent), 3, 64, 64), float('nan'))", "not finite"),
])
def test_what_a_bad_plugin_does_becomes_one_line(
    home: Path, make_model: Callable[..., ModelCard], make_plugin: Callable[..., Path],
    where: str, line: str, told: str,
) -> None:
    make_plugin("fake", FAKE.format(**{**FINE, where: line}))
    card = make_model("small")
    write_card(home / "data" / "models" / "small", replace(card, backend="fake"))
    with pytest.raises(PluginError, match=told) as caught:
        open_model("small").pictures(np.zeros((1, 5), np.float32))
    assert "fake" in caught.value.sentence


def test_a_model_that_cannot_be_exported_stays_with_torch(
    home: Path, make_model: Callable[..., ModelCard], make_plugin: Callable[..., Path]
) -> None:
    make_plugin("fake", FAKE.format(**{**FINE, "generate": "return torch.linalg.lstsq(latent.T, latent.T)"}))
    card = make_model("small")
    write_card(home / "data" / "models" / "small", replace(card, backend="fake"))
    with pytest.raises(CapabilityError):
        open_model("small", runtime="accelerated")
    write_card(home / "data" / "models" / "small", replace(card, classes=("cat",)))
    report = open_model("small").calibrate()
    assert (report.chosen, report.accelerated_ms) == ("eager", None)
    assert not open_model("small").needs_calibration


def test_the_cards_truncation_is_the_default_of_both_runtimes(
    home: Path, make_model: Callable[..., ModelCard]
) -> None:
    card = make_model("small")
    latents = 100.0 * sample_prior(card.spaces[0], count=3, seed=0)  # untrained networks hardly tell latents apart
    whole = open_model("small", runtime="eager").pictures(0.5 * latents)
    write_card(home / "data" / "models" / "small", replace(card, truncation=0.5))
    for runtime in ("eager", "accelerated"):
        model = open_model("small", runtime=runtime)
        assert np.allclose(model.pictures(latents), whole, atol=AGREEMENT)
        full = model.pictures(latents, conditions=Conditions.of(truncation=1.0))
        assert np.abs(full - whole).max() > 100 * AGREEMENT


def test_a_graph_that_gives_no_numbers_is_not_taken() -> None:
    assert choose(10.0, {1: 1.0}, float("nan")).chosen == "eager"


def test_a_graph_of_another_model_is_told(home: Path, make_model: Callable[..., ModelCard]) -> None:
    cards = [make_model("small"), make_model("other", backend="dcgan")]
    graphs = []
    for card in cards:
        open_model(card.name).calibrate()
        graphs.append(graph_of(card))
    graphs[0].write_bytes(graphs[1].read_bytes())
    with pytest.raises(ModelFileError, match="the exported graph failed"):
        open_model("small", runtime="accelerated").pictures(np.zeros((1, 5), np.float32))


@pytest.mark.parametrize("name", ["", ".", "../evil", "a/b"])
def test_a_card_with_a_name_that_is_no_folders_is_refused(
    home: Path, make_model: Callable[..., ModelCard], name: str
) -> None:
    card = make_model("small")
    folder = home / "data" / "models" / "small"
    write_card(folder, replace(card, name=name))
    with pytest.raises(ModelFileError, match="plain name"):
        open_model(folder)


@pytest.mark.parametrize("name", ["../weights.safetensors", "/etc/passwd", "..", "a/b"])
def test_a_card_that_points_outside_its_folder_is_refused(
    home: Path, make_model: Callable[..., ModelCard], name: str
) -> None:
    card, folder = make_model("small"), home / "data" / "models" / "small"
    for points in (replace(card, weights=name), replace(card, accelerated=name)):
        write_card(folder, points)
        with pytest.raises(ModelFileError, match="points outside its folder"):
            open_model(folder)


def test_a_card_of_a_giant_latent_is_refused(home: Path, make_model: Callable[..., ModelCard]) -> None:
    card, folder = make_model("small"), home / "data" / "models" / "small"
    write_card(folder, replace(card, spaces=(replace(card.spaces[0], shape=(50_000, 50_000)),)))
    with pytest.raises(ModelFileError, match="2,500,000,000 coordinates"):
        open_model(folder)


def test_a_giant_card_or_manifest_is_refused_unread(tmp_path: Path) -> None:
    for name in ("card.json", "plugin.toml"):
        with open(tmp_path / name, "wb") as stream:
            stream.truncate(5 << 30)
    with pytest.raises(ModelFileError, match="more than 4,194,304 bytes"):
        read_card(tmp_path)
    with pytest.raises(PluginError, match="more than 65,536 bytes"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("factory", ["../../evil:create", "..evil:create", "os:system:x", "/tmp/evil:create"])
def test_a_manifest_that_points_elsewhere_is_refused(tmp_path: Path, factory: str) -> None:
    (tmp_path / "plugin.toml").write_text(f'id = "evil"\napi_version = 2\nfactory = "{factory}"\n', encoding="utf-8")
    with pytest.raises(PluginError, match="gives the factory"):
        read_manifest(tmp_path)


def test_a_card_or_manifest_without_bottom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text('{"config":' * 100_000, encoding="utf-8")
    (tmp_path / "plugin.toml").write_text("a = " + "[" * 100_000, encoding="utf-8")
    with pytest.raises(ModelFileError, match="not a valid model card"):
        read_card(tmp_path)
    with pytest.raises(PluginError, match="not a valid manifest"):
        read_manifest(tmp_path)


def test_a_guarded_encoder_encodes_and_a_generator_without_one_does_not(home):
    model = open_model("sprites-b10", runtime="eager")
    latent = torch.zeros(2, 10)
    pictures = model.guarded_generator.generate(latent)
    assert torch.equal(model.guarded_generator.encode(pictures), model.generator.encode(pictures))
    bare = type("Bare", (), {"card": model.card, "network": model.generator.network,
                             "generate": staticmethod(model.generator.generate)})()
    assert not isinstance(guard(bare), Encodes)
    assert isinstance(model.guarded_generator, Encodes)


GREY = "return 0.0 * latent.mean(1).reshape(-1, 1, 1, 1) + {level} * torch.ones(1, 3, 64, 64)"
BAKED = "return torch.zeros(len(latent), 3, 64, 64) + 0.0 * latent.mean()"


def test_a_graph_that_draws_another_number_of_pictures_is_not_taken(
    home: Path, make_model: Callable[..., ModelCard], make_plugin: Callable[..., Path]
) -> None:
    make_plugin("fake", FAKE.format(**{**FINE, "generate": BAKED}))
    card = make_model("small")
    write_card(home / "data" / "models" / "small", replace(card, backend="fake"))
    report = open_model("small").calibrate()
    assert (report.chosen, report.reason) == ("eager", "the exported graph fails or draws pictures of another shape")
    assert open_model("small").pictures(np.zeros((5, 5), np.float32)).shape == (5, 3, 64, 64)


def test_a_graph_of_other_code_or_another_card_is_never_drawn_with(
    home: Path, make_model: Callable[..., ModelCard], make_plugin: Callable[..., Path]
) -> None:
    plugin = make_plugin("fake", FAKE.format(**{**FINE, "generate": GREY.format(level=0.25)}))
    card = replace(make_model("small"), backend="fake")
    folder = home / "data" / "models" / "small"
    write_card(folder, card)
    latents = np.zeros((1, 5), np.float32)
    model = open_model("small")
    model.calibrate()
    first = graph_of(card)
    assert first.is_file()
    assert open_model("small", runtime="accelerated").pictures(latents).max() == pytest.approx(0.25)

    backend = plugin / "backend.py"
    backend.write_text(backend.read_text(encoding="utf-8").replace("0.25", "0.75"), encoding="utf-8")
    for name in [name for name in sys.modules if name.startswith("latentstudio_plugins.fake")]:
        del sys.modules[name]  # as in the next start of the program
    assert graph_of(card) != first
    again = open_model("small")
    assert (again.runtime_name, again.needs_calibration) == ("torch, CPU", True)
    assert again.pictures(latents).max() == pytest.approx(0.75)
    assert open_model("small", runtime="accelerated").pictures(latents).max() == pytest.approx(0.75)

    for other in (replace(card, config={"width": 3}), replace(card, backend="beta_vae"),
                  replace(card, weights_sha256="0" * 64), replace(card, channels=3)):
        assert graph_of(other) != graph_of(card)
    assert graph_of(replace(card, title="another title")) == graph_of(card)


def test_a_graph_beside_the_weights_is_left_alone_once_the_code_that_made_it_changed(
    home: Path, make_model: Callable[..., ModelCard]
) -> None:
    card, folder = make_model("small"), home / "data" / "models" / "small"
    open_model("small").calibrate()
    (folder / "generator.onnx").write_bytes(graph_of(card).read_bytes())
    own = replace(card, accelerated="generator.onnx", accelerated_sha256=sha256_of(folder / "generator.onnx"))
    code = find_catalogue().backend_code("beta_vae")
    for made_by, taken in (("", True), (code, True), ("0" * 64, False)):
        told = replace(own, accelerated_code=made_by)
        assert (find_graph(told, folder, code) == folder / "generator.onnx") is taken


def test_tests_and_caches_of_a_plugin_are_not_its_code(make_plugin: Callable[..., Path]) -> None:
    folder = make_plugin("fake", "code = 1")
    before = code_hash(folder)
    for name in ("tests", "__pycache__"):
        (folder / name).mkdir()
        (folder / name / "more.py").write_text("x = 1", encoding="utf-8")
    assert code_hash(folder) == before
    (folder / "more.py").write_text("x = 1", encoding="utf-8")
    assert code_hash(folder) != before
