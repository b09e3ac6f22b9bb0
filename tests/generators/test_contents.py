"""What a file that cannot be opened holds is said, and nothing of it runs."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file
from torch import nn

from latentstudio.errors import ModelFileError, StudioError, UnsafeFileError, UsageError
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.contents import contents_of
from latentstudio.generators.importing import import_model
from latentstudio.tasks.read_file import read_file


def network() -> nn.Sequential:
    """A DCGAN generator, but for its last layer of 1 x 1."""
    return nn.Sequential(
        nn.ConvTranspose2d(8, 6, 4, bias=False), nn.BatchNorm2d(6), nn.ReLU(),
        nn.ConvTranspose2d(6, 5, 4, 2, 1, bias=False), nn.BatchNorm2d(5), nn.ReLU(),
        nn.ConvTranspose2d(5, 3, 1, bias=False), nn.Tanh(),
    )


def safetensors(path: Path) -> None:
    save_file(network().state_dict(), path)


def torch_zip(path: Path) -> None:
    torch.save({"netG": network().state_dict(), "epoch": 3}, path)


def torch_of_old(path: Path) -> None:
    torch.save(network().state_dict(), path, _use_new_zipfile_serialization=False)


def whole_module(path: Path) -> None:
    torch.save(network(), path)


def torch_script(path: Path) -> None:
    torch.jit.script(network()).save(str(path))


def graph(path: Path) -> None:
    weight = helper.make_tensor("main.0.weight", TensorProto.FLOAT, [2, 3], [0.0] * 6)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size]) for name, size in (("z", 2), ("x", 3))]
    nodes = [helper.make_node("MatMul", ["z", "main.0.weight"], ["x"])]
    path.write_bytes(helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], [weight])).SerializeToString())


class _Network:
    """Kept as StyleGAN2-ADA and StyleGAN3 keep theirs: the source of its class, and what stood in it."""

    def __reduce__(self) -> tuple[object, ...]:
        state = {"_parameters": {}, "_modules": OrderedDict(mapping=network())}
        return _reconstruct, ({"type": "class", "module_src": "import os; os.abort()", "state": state},)


def _reconstruct(meta: object) -> None:
    raise AssertionError("it ran")


def stylegan(path: Path) -> None:
    data = pickle.dumps({"G_ema": _Network(), "training_set_kwargs": None}, protocol=4)
    old, new = f"{__name__}".encode(), b"torch_utils.persistence"
    data = data.replace(b"\x8c" + bytes([len(old)]) + old, b"\x8c" + bytes([len(new)]) + new)
    name = b"_reconstruct_persistent_obj"
    # the frame's length no longer fits: it goes, as readers do without
    data = data.replace(b"\x8c\x0c_reconstruct", b"\x8c" + bytes([len(name)]) + name)
    path.write_bytes(data[:2] + data[11:] if data[2:3] == b"\x95" else data)


def pickle_of_arrays(path: Path) -> None:
    path.write_bytes(pickle.dumps({"w": np.zeros((3, 4)), "at": Path()}))


def arrays(path: Path) -> None:
    np.savez(path, first=np.zeros(3))


MAKERS: tuple[tuple[str, Callable[[Path], None], str, str], ...] = (
    ("a.safetensors", safetensors, "safetensors", "safetensors file with 13 tensors"),
    ("a.pt", torch_zip, "torch", "torch file with 13 tensors (netG/0.weight 8 x 6 x 4 x 4, netG/1.weight 6"),
    ("b.pth", torch_of_old, "torch", "torch file of the old kind with 13 tensors (0.weight 8 x 6 x 4 x 4"),
    ("c.pt", whole_module, "pickle", "torch file of objects (torch.nn.modules.container.Sequential) with 13 tensors"),
    ("d.pt", torch_script, "torchscript", "TorchScript program (code and weights in one) with 13 tensors (0.weight"),
    ("g.onnx", graph, "onnx", "an ONNX graph of 1 operation with 1 tensor (main.0.weight 2 x 3)"),
    ("plain", graph, "onnx", "an ONNX graph of 1 operation with 1 tensor"),
    ("s.pkl", stylegan, "stylegan", "official StyleGAN pickle (stylegan2-ada or stylegan3: networks"),
    ("p.pkl", pickle_of_arrays, "pickle", "with 1 tensor (w 3 x 4)"),
    ("n.npz", arrays, "archive", "NumPy arrays with 1 tensor (first)"),
)


@pytest.mark.parametrize(("name", "make", "kind", "told"), MAKERS)
def test_what_a_file_holds_is_told(tmp_path: Path, name: str, make: Callable[[Path], None], kind: str, told: str
                                   ) -> None:
    make(tmp_path / name)
    found = contents_of(tmp_path / name)
    assert found.kind == kind
    assert told in found.sentence


@pytest.mark.parametrize(("name", "make", "told"), [
    ("d.pt", torch_script, "torch.jit.load"), ("g.onnx", graph, "1 tensor"), ("s.pkl", stylegan, "13 tensors"),
    ("c.pt", whole_module, "weights_only=False"),
    ("n.npz", arrays, "first"),
])
def test_who_adds_it_is_told_what_it_holds_and_what_to_do(
    home: Path, tmp_path: Path, name: str, make: Callable[[Path], None], told: str
) -> None:
    make(tmp_path / name)
    for take in (import_model, read_file):
        with pytest.raises(StudioError) as caught:
            take(tmp_path / name, catalogue=find_catalogue())
        assert told in caught.value.sentence
        assert caught.value.expected
        assert caught.value.action
    assert not (home / "data" / "models").exists()


def test_a_stylegan_pickle_is_still_called_unsafe(home: Path, tmp_path: Path) -> None:
    stylegan(tmp_path / "ffhq.pkl")
    with pytest.raises(UnsafeFileError, match=r"torch_utils\.persistence.*could run code"):
        import_model(tmp_path / "ffhq.pkl", catalogue=find_catalogue())


@pytest.mark.parametrize(("name", "make"), [
    ("a.safetensors", safetensors), ("a.pt", torch_zip), ("b.pt", torch_of_old),
])
def test_a_dcgan_whose_last_layer_does_not_fit_is_named(
    home: Path, tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    make(tmp_path / name)
    with pytest.raises(ModelFileError, match=r"6\.weight is 5 x 3 x 1 x 1, not 5 x 3 x 4 x 4"):
        import_model(tmp_path / name, catalogue=find_catalogue())


def test_a_beta_vae_of_three_channels_is_named(home: Path, tmp_path: Path) -> None:
    from latentstudio.generators.capabilities import BuildsNetworks

    maker = find_catalogue().backend("beta_vae")
    assert isinstance(maker, BuildsNetworks)
    state = dict(maker.build({"latent_size": 5}).state_dict())
    state["encoder.0.weight"] = state["encoder.0.weight"].repeat(1, 3, 1, 1)
    save_file(state, tmp_path / "colour.safetensors")
    with pytest.raises(ModelFileError, match=r"it is a beta-VAE, but encoder\.0\.weight is 32 x 3 x 4 x 4, not 32 x 1"):
        import_model(tmp_path / "colour.safetensors", catalogue=find_catalogue())


def test_a_folder_is_told_by_its_files(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pipe"
    (folder / "vae").mkdir(parents=True)
    (folder / "notes.txt").write_text("-", encoding="utf-8")
    with pytest.raises(ModelFileError, match=r"holds no card\.json and no weights"):
        import_model(folder, catalogue=find_catalogue())
    safetensors(folder / "vae" / "model.safetensors")
    with pytest.raises(ModelFileError, match=r"with 1 weights file \(vae.model\.safetensors\).*with 13 tensors"):
        read_file(folder, find_catalogue())
    (folder / "model_index.json").write_text(
        '{"_class_name": "DDPMPipeline", "unet": ["diffusers", "UNet2DModel"], "vae": ["diffusers", "AutoencoderKL"]}',
        encoding="utf-8")
    with pytest.raises(ModelFileError, match=r"diffusers folder \(DDPMPipeline: unet, vae\).*with 13 tensors"):
        import_model(folder, catalogue=find_catalogue())


@pytest.mark.parametrize(("head", "told"), [
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "Git LFS"), (b"<!DOCTYPE html><html>", "web page"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"), (b"\x1f\x8b\x08", "unpack it"),
])
def test_what_is_no_weights_at_all_is_told_by_its_first_bytes(
    home: Path, tmp_path: Path, head: bytes, told: str
) -> None:
    (tmp_path / "model.bin").write_bytes(head + bytes(300))
    (tmp_path / "model").write_bytes(head + bytes(300))
    with pytest.raises(ModelFileError, match=told):
        import_model(tmp_path / "model.bin", catalogue=find_catalogue())
    with pytest.raises(UsageError, match=told):
        read_file(tmp_path / "model", find_catalogue())


@pytest.mark.parametrize("data", [
    b"\x80\x04" + b"(" * 9_000, b"\x80\x02" + b"}" * 500 + b"q\x00h\x00s.", b"\x80\x02N" + b"\x85" * 9_000 + b".",
    b"\x80\x04\x8e" + (1 << 40).to_bytes(8, "little"), b"\x80\x02]q\x00(h\x00h\x00e.", b"\x08\x08" + b"\xff" * 99,
])
def test_a_hostile_file_is_told_as_far_as_it_goes(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.onnx").write_bytes(data)
    assert contents_of(tmp_path / "x.onnx").kind in ("pickle", "onnx")
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("a/data.pkl", data)
    assert contents_of(tmp_path / "x.pt").tensors == {}


def test_a_graph_reads_no_other_file(tmp_path: Path) -> None:
    graph(tmp_path / "g.onnx")
    model = onnx.load(tmp_path / "g.onnx")
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    model.graph.initializer[0].external_data.add(key="location", value="/etc/passwd")
    (tmp_path / "g.onnx").write_bytes(model.SerializeToString())
    assert contents_of(tmp_path / "g.onnx").tensors == {"main.0.weight": (2, 3)}


class _Runs:
    """Pickles as a call of the shell."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def test_nobody_is_told_to_open_what_would_run_something(tmp_path: Path) -> None:
    path = tmp_path / "evil.pt"
    torch.save({"w": torch.zeros(2), "x": _Runs()}, path)
    told = contents_of(path)
    assert "system" in told.sentence
    assert "weights_only" not in told.action
    assert "ask its author for safetensors" in told.action
