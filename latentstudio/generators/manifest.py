"""``plugin.toml``: what a backend plugin says about itself before any of its code is imported."""

from __future__ import annotations

import contextlib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from latentstudio.errors import PluginError
from latentstudio.files import is_regular, read_limited
from latentstudio.generators.capabilities import CAPABILITIES
from latentstudio.generators.contract import API_VERSION
from latentstudio.readers import read_toml

MANIFEST_FILE = "plugin.toml"
MOST_CODE = 8 << 20
MOST_BYTES = 64 << 10
_NOT_CODE = ("tests", "__pycache__")
_FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Manifest:
    """A backend plugin's own words.

    Attributes:
        id: lower case letters, digits and underscores; a model card's ``backend`` names it.
        api_version: version of the contract that it was written for.
        title: a few words for people.
        licence: licence of the plugin's code.
        capabilities: what its models can do, by the names of ``capabilities.CAPABILITIES``.
        file_kinds: kinds of weights files that ``probe`` understands (``safetensors``, ``torch``).
        factory: ``package.module:function``; the function takes nothing and returns a ``Backend``.
    """

    id: str
    api_version: int
    title: str
    licence: str
    capabilities: tuple[str, ...]
    file_kinds: tuple[str, ...]
    factory: str


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    id: str
    api_version: int
    factory: str
    title: str = ""
    licence: str = ""
    capabilities: tuple[str, ...] = ("generate",)
    file_kinds: tuple[str, ...] = ("safetensors",)


def read_manifest(path: Path) -> Manifest:
    """Read a ``plugin.toml`` (or the one in a folder).

    Raises:
        PluginError: missing, broken, an unknown key, another api version, or a value that makes no sense.
    """
    path = Path(path)
    path = path / MANIFEST_FILE if path.is_dir() else path

    def refuse(reason: str) -> PluginError:
        return PluginError(f"{path} is not a valid manifest ({reason})", expected="the keys of the plugin guide")

    try:
        manifest = Manifest(**msgspec.structs.asdict(read_toml(path, _Strict, refuse, most=MOST_BYTES)))
    except FileNotFoundError:
        raise PluginError(f"there is no {path}", expected=f"a plugin folder with a {MANIFEST_FILE}") from None
    if manifest.api_version != API_VERSION:
        raise PluginError(f"{path} is written for api version {manifest.api_version}", expected=f"{API_VERSION}",
                          action="get the plugin's version for this latentstudio")
    if not _ID.fullmatch(manifest.id):
        raise PluginError(f"{path} gives the id '{manifest.id}'", expected="lower case letters, digits and underscores")
    if not _FACTORY.fullmatch(manifest.factory):
        raise PluginError(f"{path} gives the factory '{manifest.factory}'", expected="package.module:function")
    unknown = [name for name in manifest.capabilities if name not in CAPABILITIES]
    if unknown:
        raise PluginError(f"{path} names the capability '{unknown[0]}'", expected=", ".join(CAPABILITIES))
    return manifest


def code_hash(folder: Path) -> str:
    """Hexadecimal SHA-256 of a plugin's manifest and code, its tests left out; nothing of it is imported.

    Code that it takes from other packages is not in it: a plugin whose pictures change with such a package says so by a
    change of its own. Of a package with very much code the rest counts by name and size.
    """
    digest = hashlib.sha256()
    read = 0
    for path in sorted(item for item in folder.rglob("*") if item.suffix == ".py" or item.name == MANIFEST_FILE):
        inside = path.relative_to(folder)
        if any(part in _NOT_CODE or part.startswith(".") for part in inside.parts) or not is_regular(path):
            continue
        with contextlib.suppress(OSError):
            size = path.stat().st_size
            read += size
            digest.update(f"{inside.as_posix()} {size} ".encode("utf-8", errors="replace"))
            digest.update(read_limited(path, MOST_CODE) if read <= MOST_CODE else b"")
    return digest.hexdigest()
