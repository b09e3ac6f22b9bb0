"""The contract suite on both shipped backends, on one written only from the guide, and on ones that break it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from latentstudio.generators.card import ModelCard
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.contract_suite import check_plugin
from latentstudio.generators.opening import open_model
from latentstudio.places import bundled

GUIDE = bundled("plugins").parent / "docs" / "plugin-guide.md"
ALL = ("manifest", "import", "probe", "open", "shapes", "range", "determinism", "gradient", "batch", "options",
       "refusal", "capabilities", "export")


def written_from_the_guide(folder: Path) -> Path:
    """The plugin that the guide's named code blocks make up."""
    blocks = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.M | re.S)
    for name, content in blocks:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder / "linear"


@pytest.mark.parametrize("name", ["beta_vae", "dcgan"])
def test_the_shipped_backends_keep_the_contract(home: Path, name: str) -> None:
    checks = check_plugin(bundled("plugins") / name)
    assert [check.name for check in checks] == list(ALL)
    assert [check for check in checks if not check.passed] == []
    assert checks[-1].detail.startswith("ONNX graph within")


def test_a_plugin_written_only_from_the_guide_keeps_it_and_draws(home: Path) -> None:
    folder = written_from_the_guide(home / "data" / "plugins")
    checks = check_plugin(folder / "plugin.toml")
    assert [check.name for check in checks] == list(ALL)
    assert [check for check in checks if not check.passed] == []
    backend = find_catalogue().backend("linear")
    model = home / "data" / "models" / "example"
    model.mkdir(parents=True)
    backend.make_example(model, seed=1)  # type: ignore[attr-defined]
    assert open_model("example", runtime="accelerated").pictures(np.zeros((1, 4), np.float32)).mean() == 0.5


@pytest.mark.parametrize(("old", "new", "failing"), [
    ("torch.sigmoid(", "2.0 + torch.sigmoid(", "range"),
    ("self.network(latent * truncation)", "self.network(latent * truncation)[:, :1]", "shapes"),
    ("self.network(latent * truncation)", "self.network(latent.detach() * truncation).requires_grad_()", "gradient"),
    ("self.network(latent * truncation)", "self.network(latent - latent.mean(0))", "batch"),
    ("self.network(latent * truncation)", "self.network(latent + torch.rand(()))", "determinism"),
    ("self.card.resolve(conditions).number(TRUNCATION)", "1.0", "options"),
    ("self.card.resolve(conditions)", "self.card.resolve()", "refusal"),
    ("self.card.space(space)", "pass", "refusal"),
    (".eval().requires_grad_(False)", "", "open"),
    ('set(facts) != {"mean", "basis"} or len(facts["basis"].shape) != 4', "True", "open"),
    ("except StudioError:\n            return None", "finally:\n            pass", "probe"),
    ("facts = check_safetensors(path)", "import pickle; pickle.loads(path.read_bytes()); facts = {}", "probe"),
    ('name=name, backend="linear"', 'name=name, capabilities=("generate", "encode"), backend="linear"',
     "capabilities"),
    ("    def generate(", "    def encode(self, images: Tensor) -> Tensor:\n        return images\n\n    def generate(",
     "capabilities"),
    ("def create()", "def make()", "import"),
])
def test_a_broken_promise_is_found(tmp_path: Path, old: str, new: str, failing: str) -> None:
    folder = written_from_the_guide(tmp_path)
    code = (folder / "backend.py").read_text(encoding="utf-8")
    assert old in code
    (folder / "backend.py").write_text(code.replace(old, new), encoding="utf-8")
    failed = [check for check in check_plugin(folder) if not check.passed]
    assert failing in [check.name for check in failed]
    assert all(check.detail for check in failed)


def test_a_folder_without_a_manifest_fails_at_once(tmp_path: Path) -> None:
    (only,) = check_plugin(tmp_path)
    assert (only.name, only.passed) == ("manifest", False)


def test_a_given_model_folder_is_opened_instead(home: Path, make_model: Callable[..., ModelCard]) -> None:
    make_model("small", backend="dcgan")
    checks = check_plugin(bundled("plugins") / "dcgan", model=home / "data" / "models" / "small")
    assert all(check.passed for check in checks)
