"""``doctor``, and what the command line knows about the screen."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from latentstudio.cli import doctor, qt, screen
from latentstudio.errors import DeviceError


def test_doctor_says_one_line_for_each_part(cli) -> None:
    report = cli("doctor", "--json")
    findings = {finding["name"]: finding for finding in report.json["findings"]}
    assert list(findings) == ["Python", "torch", "ONNX Runtime", "Qt", "models", "plugins", "folders"]
    assert set(findings["torch"]) == {"name", "ok", "text", "fix"}
    assert (report.code, report.json["can_run"]) == (0, True)
    assert "example" in findings["models"]["text"]
    spoken = cli("doctor").out.splitlines()
    assert sum(line.startswith(("ok", "LACK")) for line in spoken) == 7


def test_doctor_exits_1_and_names_the_fix_when_folders_cannot_be_written(
    cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setattr(doctor, "_why_not_writable", lambda folder: "Read-only file system")
    answer = cli("doctor")
    assert answer.code == 1
    assert "LACK  folders" in answer.out
    assert "LATENTSTUDIO_HOME" in answer.out


def test_doctor_lists_a_broken_plugin_with_its_error(cli, cli_home: Path) -> None:
    folder = cli_home / "data" / "plugins" / "sad"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text("id = 3", encoding="utf-8")
    try:
        finding = doctor.check_plugins()
        rows = {row["id"]: row for row in cli("plugins", "list", "--json").json["plugins"]}
    finally:
        (folder / "plugin.toml").unlink()
        folder.rmdir()
    assert "broken: sad" in finding.text
    assert finding.ok
    assert rows["sad"]["error"]


def test_doctor_survives_a_missing_torch_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> object:
        raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr(doctor.importlib, "import_module", refuse)
    finding = doctor.check_torch("auto")
    assert (finding.ok, finding.fix) == (False, "pip install torch==2.13.0")
    assert doctor.check_onnx().ok, "torch can stand in for ONNX Runtime"


def test_doctor_names_the_command_when_qt_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_start_qt", lambda platform: ("", "libEGL.so.1: cannot open shared object file"))
    monkeypatch.setattr(doctor, "missing_packages", lambda: ("libegl1",))
    finding = doctor.check_qt()
    assert not finding.ok
    assert "libEGL.so.1" in finding.text
    assert finding.fix.endswith("apt-get install -y --no-install-recommends libegl1")


def test_qt_really_starts_offscreen() -> None:
    assert doctor._start_qt("offscreen") == ("offscreen", "")
    shown, problem = doctor._start_qt("no-such-platform")
    assert shown == ""
    assert problem


def test_a_missing_library_becomes_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> object:
        raise ImportError("libEGL.so.1: cannot open shared object file", name="PySide6.QtGui")

    monkeypatch.setattr(qt.importlib, "import_module", refuse)
    monkeypatch.setattr(qt, "missing_packages", lambda: ("libegl1",))
    with pytest.raises(DeviceError, match=r"libEGL\.so\.1.*apt-get install .*libegl1"):
        qt.import_studio("studio.app")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Linux without any sign of a screen."""
    monkeypatch.setattr(screen.sys, "platform", "linux")
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_display_that_nobody_serves_is_none(bare: pytest.MonkeyPatch) -> None:
    assert not screen.has_display()
    bare.setenv("DISPLAY", ":4711")
    assert not screen.has_display()


def test_a_display_that_answers_is_one(bare: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind("\0/tmp/.X11-unix/X4712")
        server.listen(1)
        bare.setenv("DISPLAY", ":4712.0")
        assert screen.has_display()


def test_a_platform_chosen_by_hand_is_believed(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("QT_QPA_PLATFORM", "offscreen")
    assert screen.has_display()


def test_every_debian_package_has_a_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "_is_there", lambda sign: False)
    missing = screen.missing_packages()
    assert {"libegl1", "libgl1", "libxkbcommon-x11-0", "libxcb-cursor0", "libdbus-1-3"} <= set(missing)
    assert "xvfb" not in missing


def test_without_a_display_the_window_verb_plays_the_story(
    cli, bare: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from latentstudio.cli import window

    played = []
    bare.setattr(window, "play", lambda story, out, model, output: played.append((story, out)))
    bare.setattr(window, "go_offscreen", lambda: None)
    answer = cli()
    assert answer.code == 0
    assert played == [("drag", window.STORY_FOLDER)]
    assert "no display" in answer.complaint
