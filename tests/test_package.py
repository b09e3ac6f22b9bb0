"""The package as a whole: version, dependencies, what the wheel holds, what the README promises."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement

import latentstudio
from latentstudio.cli.main import VERBS
from latentstudio.factors import read_factor, write_factor
from latentstudio.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"packaging_{name}", ROOT / "packaging" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_shipped_sliders_of_the_faces_say_what_they_do() -> None:
    for name, label in (("x", "turn"), ("y", "nod")):
        factor = read_factor(ROOT / "resources" / "factors" / "faces-gan" / f"{name}.safetensors")
        assert (factor.name, factor.label, factor.grade) == (name, label, "C")
        assert label in factor.title
        (note,) = factor.figures["notes"]
        assert "landmarks" in note


def test_a_slider_that_is_learned_anew_keeps_its_label_and_its_title(tmp_path: Path) -> None:
    shipped = ROOT / "resources" / "factors" / "faces-gan"
    keep_name = _script("learn_factors").keep_name
    for name, label in (("x", "turn"), ("scale", "")):
        before = read_factor(shipped / f"{name}.safetensors")
        path = tmp_path / f"{name}.safetensors"
        learned = replace(before, label="", title="learned anew", figures={**before.figures, "notes": []})
        write_factor(path, learned)
        keep_name(before, path)
        after = read_factor(path)
        assert (after.label, after.title) == (label, before.title if label else "learned anew")
        assert after.figures["notes"] == [], "what was measured on the old axis is no figure of the new one"


def _pins() -> dict[str, str]:
    lines = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(";")[0].strip().split("==") for line in lines if line and not line.startswith("#"))
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}


def _requirements() -> list[Requirement]:
    extras = PROJECT["project"]["optional-dependencies"]["dev"]
    return [Requirement(text) for text in (*PROJECT["project"]["dependencies"], *extras)]


def test_the_version_is_the_same_everywhere() -> None:
    assert PROJECT["project"]["version"] == VERSION == latentstudio.__version__


@pytest.mark.parametrize("requirement", _requirements(), ids=lambda requirement: requirement.name)
def test_every_dependency_is_pinned_inside_its_range(requirement: Requirement) -> None:
    name = re.sub(r"[-_.]+", "-", requirement.name).lower()
    if name == "pip":
        return
    assert requirement.specifier.contains(_pins()[name]), f"{name}: {_pins()[name]} is outside {requirement.specifier}"


def test_torch_and_qt_are_pinned_to_the_versions_that_work() -> None:
    assert _pins()["torch"] == "2.13.0"
    assert _pins()["pyside6-essentials"].startswith("6.11.")


def test_notices_name_every_dependency() -> None:
    notices = (ROOT / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")
    missing = [found.name for found in _requirements() if not re.search(rf"\b{re.escape(found.name)}\b", notices)]
    assert missing == []


def test_the_wheel_holds_plugins_models_resources_and_no_tests() -> None:
    builder = WheelBuilder(str(ROOT))
    names = {found.distribution_path for found in builder.recurse_included_files()}
    wanted = {
        "latentstudio/cli/main.py",
        "latentstudio/_bundled/plugins/beta_vae/plugin.toml",
        "latentstudio/_bundled/plugins/dcgan/backend.py",
        "latentstudio/_bundled/models/sprites-b10/recipe.toml",
        "latentstudio/_bundled/resources/addons/faces-gan.toml",
        "latentstudio/_bundled/packaging/debian-packages.txt",
    }
    assert wanted <= names
    assert [name for name in names if "/tests/" in name or name.startswith(("tests/", "docs/"))] == []


def test_the_smoke_test_sees_what_a_wheel_lacks(tmp_path: Path) -> None:
    smoke = _script("smoke")
    built = tmp_path / "latentstudio-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(built, "w") as opened:
        for name in smoke.MUST_HOLD[1:]:
            opened.writestr(name, "")
        opened.writestr("latentstudio/_bundled/plugins/dcgan/tests/test_it.py", "")
        opened.writestr("latentstudio-0.1.0.dist-info/licenses/LICENSE", "")
    assert smoke.contents_problems(built) == [
        f"the wheel lacks {smoke.MUST_HOLD[0]}",
        "the wheel lacks a licence file THIRD_PARTY_NOTICES.md",
        "the wheel should not hold latentstudio/_bundled/plugins/dcgan/tests/test_it.py",
    ]


def test_importing_the_library_costs_nothing() -> None:
    code = "import sys, latentstudio; dir(latentstudio); print([n for n in ('torch', 'numpy') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists_and_an_unknown_one_does_not() -> None:
    assert all(getattr(latentstudio, name) is not None for name in latentstudio.__all__)
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        _ = latentstudio.magic  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", [0, 1])
def test_the_readme_snippets_run_as_they_stand(number: int, tmp_path: Path) -> None:
    snippets = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(snippets) == 2
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:latentstudio", "-c", snippets[number]], cwd=tmp_path,
        env={**os.environ, "LATENTSTUDIO_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=280, check=False,
    )
    assert done.returncode == 0, done.stderr
    written = {path.name for path in tmp_path.iterdir()}
    assert {"moved.png", "my-x.safetensors"} & written


def test_the_documents_name_every_verb() -> None:
    told = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert [verb for verb in VERBS if verb != "window" and f"latentstudio {verb}" not in told] == []


def test_the_readmes_pictures_and_links_exist() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        targets = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
        missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
        assert missing == [], page
    assert len(re.findall(r"\]\(([^)#]+)\)", README)) > 5


def test_prepare_sees_missing_system_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = _script("prepare")
    listed = tmp_path / "packages.txt"
    listed.write_text(
        "# a comment\n"
        f"there  file:{listed}\n"
        "libnothing1  lib:libnothing-of-this-name.so.1\n"
        "no-program  program:no-such-program  tests\n", encoding="utf-8",
    )
    monkeypatch.setattr(prepare, "SYSTEM_PACKAGES", listed)
    assert prepare.missing_system_packages(False) == ["libnothing1"]
    assert prepare.missing_system_packages(True) == ["libnothing1", "no-program"]


def test_prepare_does_nothing_when_its_stamp_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = _script("prepare")
    monkeypatch.setattr(prepare, "VENV", tmp_path)
    monkeypatch.setattr(sys, "argv", ["prepare.py"])
    monkeypatch.setattr(prepare, "make_environment", lambda: pytest.fail("it began to install"))
    monkeypatch.setattr(prepare, "install_system_packages", lambda dev: None)
    (tmp_path / ".prepared").write_text(prepare.fingerprint(False), encoding="utf-8")
    assert prepare.main() == 0


def test_prepare_takes_no_python_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = _script("prepare")
    monkeypatch.setattr(prepare, "OLDEST", (3, 90))
    monkeypatch.setattr(prepare, "NEWEST", (3, 92))
    for minor, says in ((92, "exit 127"), (91, "echo python3.11"), (90, "echo python3.90")):
        program = tmp_path / f"python3.{minor}"
        program.write_text(f"#!/bin/sh\n{says}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert prepare.suitable_python() == str(tmp_path / "python3.90")


@pytest.mark.parametrize(("pip", "made_by"), [((23, 0), "--without-pip"), ((20, 3), None), ((0,), None)])
def test_prepare_without_ensurepip_takes_the_systems_pip_or_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip: tuple[int, ...], made_by: str | None
) -> None:
    prepare = _script("prepare")
    half_made = tmp_path / ".venv" / "bin" / "python"
    half_made.parent.mkdir(parents=True)
    half_made.write_text("#!/bin/sh\nexit 1\n")
    half_made.chmod(0o755)
    ran: list[list[str]] = []
    monkeypatch.setattr(prepare, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(prepare, "has_venv", lambda: False)
    monkeypatch.setattr(prepare, "system_pip", lambda: pip)
    monkeypatch.setattr(prepare, "run", ran.append)
    if made_by is None:
        with pytest.raises(prepare.MissingError, match=r"apt-get install .* python3\.\d+-venv"):
            prepare.make_environment()
    else:
        prepare.make_environment()
        assert made_by in ran[0]
        assert ran[1][-3:] == ["install", "-q", "pip"]
    assert not half_made.exists()


def test_prepare_in_a_checkout_of_somebody_else_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare = _script("prepare")
    monkeypatch.setattr(prepare, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(sys, "argv", ["prepare.py"])
    monkeypatch.setattr(prepare, "install_system_packages", lambda dev: None)

    def forbidden() -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / ".venv"))

    monkeypatch.setattr(prepare, "make_environment", forbidden)
    assert prepare.main() == 1
    said = capsys.readouterr().err
    assert said == f"prepare: {tmp_path / '.venv'} cannot be written (Permission denied); is this checkout your own?\n"


def test_verify_counts_a_failed_step(capfd: pytest.CaptureFixture[str]) -> None:
    verify = _script("verify")
    good = verify.command("good", [sys.executable, "-c", "pass"])
    bad = verify.command("bad", [sys.executable, "-c", "raise SystemExit(3)"])
    assert good + bad == verify.Count(1, 1)
    assert "bad: FAILED (3)" in capfd.readouterr().out
