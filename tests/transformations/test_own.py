"""Transformations of the user's own: the guide's examples, and everything that such a file can do wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from latentstudio.errors import TransformationError
from latentstudio.factors import LearnSettings
from latentstudio.factors.evaluating import evaluate_factor
from latentstudio.factors.learning import learn_factor
from latentstudio.losses import blur
from latentstudio.measures.effects import effect_of
from latentstudio.places import bundled
from latentstudio.transformations import combine, load_transformation, transformation_named
from latentstudio.transformations.facts import as_markdown
from latentstudio.units import DEGREES, PERCENT, PIXELS
from tests.blob import BlobGenerator

GUIDE = bundled("plugins").parent / "docs" / "transformations.md"
_BLOCK = re.compile(r"^```python (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def from_the_guide(tmp_path: Path) -> Path:
    """The folder with the files that the guide's named code blocks are."""
    for name, code in _BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        (tmp_path / name).write_text(code, encoding="utf-8")
    return tmp_path


def _file(folder: Path, code: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(code, encoding="utf-8")
    return path


def _pictures(count: int = 3, side: int = 64) -> torch.Tensor:
    return blur(torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0)) - 0.5, 3.0) * 2 + 0.5


def test_the_guides_table_is_that_of_the_program():
    assert as_markdown() in GUIDE.read_text(encoding="utf-8"), f"put this into {GUIDE.name}:\n{as_markdown()}"


def test_the_guides_warmth_is_ten_lines_and_is_warmer_for_more(from_the_guide):
    path = from_the_guide / "warmth.py"
    assert sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines()) <= 10
    warmth = load_transformation(f"{path}:warmth")
    assert (warmth.name, warmth.unit, warmth.reach) == ("warmth", PERCENT, 0.2)
    assert warmth.title == "Warmer (+) or cooler (−)"
    images = _pictures()
    moved, mask = warmth.apply(images, torch.full((3,), 0.1))
    assert (moved - images).mean(dim=(0, 2, 3)).tolist() == pytest.approx([0.1, 0.0, -0.1], abs=1e-5)
    assert mask.all()
    found = effect_of(warmth, measure="registration", side=64).prepare(images)(moved)
    assert found.tolist() == pytest.approx([0.1] * 3, abs=0.01)


def test_the_guides_shear_moves_the_top_to_the_right_and_is_measured(from_the_guide):
    shear = load_transformation(from_the_guide / "shear.py")
    images = torch.zeros(1, 3, 65, 65)
    images[..., 4, 32] = 1.0
    moved, mask = shear.apply(images, torch.tensor([0.25]))
    assert int((moved * mask)[0, 0, 4].argmax()) == 32 + 7
    assert 0 < float(mask.mean()) < 1
    pictures = _pictures()
    after, defined = shear.apply(pictures, torch.full((3,), -0.15))
    effect = effect_of(shear, measure="registration", side=64)
    found = effect.prepare(pictures)(after * defined + pictures * (1 - defined))
    assert found.tolist() == pytest.approx([-0.15] * 3, abs=0.02)


def test_a_factor_of_ones_own_is_learned_and_evaluated(tmp_path):
    code = "def shine(images, t):\n    return (images * (1 + t[:, None, None, None])).clamp(0, 1), images[:, :1] >= 0\n"
    shine = load_transformation(_file(tmp_path, code))
    settings = LearnSettings(starts=24, targets=3, steps=15, learning_rate=0.1, batch=12, judged=48,
                             mixed_precision=False)
    generator = BlobGenerator(measure="registration")
    factor = list(learn_factor(generator, transformation=shine, settings=settings))[-1].factor
    assert factor.name == "shine"
    assert factor.axis[3] > 0.5
    last = list(evaluate_factor(generator, factor, count=24, transformation=shine))[-1].evaluation
    assert last.monotone
    assert last.r2_median > 0.9


def test_attributes_and_a_ready_transformation(tmp_path):
    tilted = load_transformation(_file(tmp_path, """
def tilt(images, t):
    return images, images[:, :1] * 0 + 1

tilt.unit, tilt.reach, tilt.plus, tilt.minus = "deg", 10, "more", "less"
"""))
    assert (tilted.unit, tilted.reach, tilted.title) == (DEGREES, 10, "more (+) or less (−)")
    ready = load_transformation(_file(tmp_path, """
from latentstudio.transformations import Transformation, warp
from latentstudio.units import PIXELS

def _up(images, t, *, fill, interpolation):
    return warp(images, shift_x=0 * t, shift_y=-t, log2_scale=0 * t, fill=fill, interpolation=interpolation)

def helper(images, t):
    return images

up = Transformation("up", PIXELS, 0.2, "up", "down", is_relative=True, fill=0.0, interpolation="bilinear", function=_up)
"""))
    assert (ready.name, ready.unit, ready.largest(50)) == ("up", PIXELS, pytest.approx(10.0))
    moved, mask = ready.apply(_pictures(), torch.full((3,), 4.0))
    assert mask[:, :, -4:].sum() == 0
    assert moved[:, :, -4:].max() == 0.0
    with pytest.raises(TransformationError, match=r"mine.py, line 5: 'up' by .* leaves nothing"):
        ready.apply(_pictures(), torch.full((3,), 70.0))
    both = combine(((ready, 1.0), (transformation_named("brightness"), 0.5)))
    assert both.apply(_pictures(), torch.full((3,), 0.5))[1].shape == (3, 1, 64, 64)


def test_writing_into_the_arguments_does_no_harm(tmp_path):
    own = load_transformation(_file(tmp_path, """
def rude(images, t):
    images[:, 0] += t[:, None, None]
    t += 1
    return images.clamp(0, 1), images[:, :1] > -9
"""))
    images, t = _pictures(), torch.full((3,), 0.1)
    kept = images.clone()
    own.apply(images, t)
    assert torch.equal(images, kept)
    assert t.tolist() == pytest.approx([0.1] * 3)


BROKEN_FILES = {
    "syntax": ("def f(images, t)\n    return images", r"^mine\.py, line 1: .*expected ':'"),
    "null": ("x = '\0'", r"^mine\.py.*null"),
    "import": ("import torch\nimport nowhere_at_all\n", r"^mine\.py, line 2: ModuleNotFoundError: .*nowhere_at_all"),
    "raises": ("1 / 0", r"^mine\.py, line 1: ZeroDivisionError"),
    "exits": ("\nimport sys\nsys.exit(3)", r"^mine\.py, line 3: SystemExit: 3"),
    "empty": ("", r"mine\.py defines no transformation; expected a function \(images, t\)"),
    "two": ("def a(images, t): ...\ndef b(images, t): ...",
            r"defines 2 transformations; expected mine\.py:a or mine\.py:b"),
    "unknown attribute": ("def f(images, t): ...\nf.raech = 1",
                          r"line 1: 'f\.raech' means nothing; expected one of: unit, r"),
    "unknown unit": ("def f(images, t): ...\nf.unit = 'ells'", r"line 1: unknown unit 'ells'"),
    "no reach": ("\n\ndef f(images, t): ...\nf.reach = -1", r"line 3: the reach of 'f' is -1"),
    "reach in words": ("def f(images, t): ...\nf.reach = 'far'", r"line 1: the reach of 'f' is far"),
    "built-in name": ("def scale(images, t): ...", r"line 1: there is a built-in transformation 'scale' already"),
    "ready built-in name": (
        "from latentstudio.transformations import transformation_named\nx = transformation_named('x')",
        "there is a built-in transformation 'x' already"),
}


@pytest.mark.parametrize(("code", "message"), BROKEN_FILES.values(), ids=BROKEN_FILES)
def test_a_broken_file_is_one_line(tmp_path, code, message):
    with pytest.raises(TransformationError, match=message) as caught:
        load_transformation(_file(tmp_path, code))
    assert "\n" not in caught.value.sentence


@pytest.mark.parametrize(("text", "message"), [
    ("nowhere.py:f", r"there is no file .*nowhere\.py"),
    ("nowhere.py", r"there is no file .*nowhere\.py"),
    ("warmth", "'warmth' names no transformation; expected FILE.py:name"),
    ("", "names no transformation"),
    ("notes.txt:f", "names no transformation"),
    ("mine.py:", "names no transformation"),
    ("folder.py:f", "there is no file"),
    ("mine.py:g", r"mine\.py defines no 'g'; expected one of: f"),
    ("mine.py:three", r"line 2: 'three' takes \(images, t, more\); expected \(images, t\)"),
    ("mine.py:number", "'number' in mine.py is a float; expected a function"),
    ("mine.py:Kind", "'Kind' in mine.py is a type"),
])
def test_a_wrong_name_is_one_line(tmp_path, monkeypatch, text, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    _file(tmp_path, "def f(images, t): ...\ndef three(images, t, more): ...\nnumber = 3.0\nclass Kind: ...\n")
    with pytest.raises(TransformationError, match=message):
        load_transformation(text)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "mine.py"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(TransformationError, match=r"^mine\.py"):
        load_transformation(path)
    path.write_bytes(b"#" * (1 << 21))
    with pytest.raises(TransformationError, match="has 2 MiB"):
        load_transformation(path)


WRONG_RESULTS = {
    "raises": ("images + missing", r"^mine\.py, line 4: 'f' raised NameError: .*missing"),
    "wrong shapes": ("images + t, images", r"^mine\.py, line 4: 'f' raised RuntimeError: The size of tensor"),
    "exits": ("exit(1)", r"^mine\.py, line 4: 'f' raised SystemExit"),
    "nothing": ("None", r"^mine\.py, line 2: 'f' gave nothing; expected two tensors"),
    "one": ("images", "'f' gave one Tensor"),
    "three": ("(images, images, t)", "'f' gave 3 values"),
    "no tensors": ("(images, None)", r"'f' gave 2 values \(Tensor, NoneType\)"),
    "nan": ("(images * float('nan'), mask)", "'f' gave pictures with NaN or infinite values; expected finite numbers"),
    "infinite": ("(images / 0, mask)", "'f' gave pictures with NaN or infinite values"),
    "one nan": ("((images - images[0, 0, 0, 0]).sqrt(), mask)", "'f' gave pictures with NaN"),
    "size": ("(images[..., 1:], mask)", "'f' gave pictures of 3 x 3 x 64 x 63; expected 3 x 3 x 64 x 64"),
    "count": ("(images[:1], mask)", "'f' gave pictures of 1 x 3 x 64 x 64"),
    "mask size": ("(images, images)", "'f' gave a mask of 3 x 3 x 64 x 64; expected 3 x 1 x 64 x 64"),
    "kind": ("(images.double(), mask)", "'f' gave pictures of float64 on cpu; expected float32 on cpu"),
    "bytes": ("((images * 255).byte(), mask)", "'f' gave pictures of uint8"),
    "mask kind": ("(images, mask.int())", "'f' gave a mask of int32"),
    "range": ("(images * 255, mask)", r"'f' gave pictures with values from .*; expected 0 to 1; end with \.clamp"),
    "mask range": ("(images, mask - 0.5 - mask)", r"'f' gave a mask with values from -0\.5"),
    "mask nan": ("(images, mask * float('nan'))", "'f' gave a mask with NaN"),
    "empty mask": ("(images, mask * 0)", r"^mine\.py, line 2: 'f' by \+20 % gave an empty mask; expected 1 where"),
    "one empty mask": ("(images, mask * (t > 0.15)[:, None, None, None])", r"'f' by \+10 % gave an empty mask"),
}


@pytest.mark.parametrize(("result", "message"), WRONG_RESULTS.values(), ids=WRONG_RESULTS)
def test_a_wrong_result_is_one_line_with_its_line(tmp_path, result, message):
    code = f"\ndef f(images, t):\n    mask = images[:, :1] * 0 + 1\n    return {result}\n"
    own = load_transformation(_file(tmp_path, code))
    with pytest.raises(TransformationError, match=message) as caught:
        own.apply(_pictures(), torch.tensor([0.2, 0.1, 0.2]))
    assert caught.value.sentence.startswith("mine.py, line ")
    assert "\n" not in caught.value.sentence


def test_what_cannot_be_read_back_is_refused(tmp_path):
    own = load_transformation(_file(tmp_path, "def idle(images, t):\n    return images, images[:, :1] * 0 + 1\n"))
    with pytest.raises(TransformationError, match=r"'idle' cannot be read back .*missed by masked correlation"):
        effect_of(own, measure="registration", side=64).prepare(_pictures())


def test_a_file_that_changed_is_read_anew(tmp_path):
    for name in ("f", "g"):
        assert load_transformation(_file(tmp_path, f"def {name}(images, t): ...")).name == name
