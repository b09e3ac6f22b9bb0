"""The scripts of packaging/ keep up with the library: each loads, and what they name is there."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

import latentstudio
from latentstudio import api

SCRIPTS = sorted((Path(__file__).parent.parent / "packaging").glob("*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_loads_and_names_what_there_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location(f"packaging_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    text = path.read_text(encoding="utf-8")
    assert [name for name in re.findall(r"\bapi\.(\w+)", text) if not hasattr(api, name)] == []
    assert [name for name in re.findall(r"\blatentstudio\.(\w+)\(", text) if not hasattr(latentstudio, name)] == []
