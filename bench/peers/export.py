#!/usr/bin/env python3
"""Write what PyTorch computes for the reference denoisers, for bench/same_function to compare with.

  python3 bench/peers/export.py /tmp/reference                     # random weights
  python3 bench/peers/export.py /tmp/reference --npz /tmp/saved    # weights that other scripts saved as .npz
  build/release/bench/same_function /tmp/reference/*.safetensors

Each <model>.safetensors holds weight/<name>, x, t, eps and, computed in float (f32/) and in double (f64/), y = net(x, t) and
the gradients of mean((y - eps)^2): dx and gradient/<name>. Names and layouts are foglift's. An .npz has x, t, y and
param:<name> for every parameter, under foglift's names or those of RENAMES; its y is written as saved/y.
"""
import argparse
import ctypes
import json
import os
import re
import struct
from typing import Dict

import torch
import torch.nn.functional as F

import models

# Another naming of the same parameters, in models written with shorter names: of what is inside a block, and of the rest.
INSIDE = {"n1": "norm1", "c1": "conv1", "n2": "norm2", "c2": "conv2", "te": "embed", "attn": "attention",
          "f1": "ff.fc1", "f2": "ff.fc2", "ada": "modulation"}
RENAMES = {r"(down|up)\.(\d+)\.0\.": r"\1.\2.blocks.", r"(down|up)\.(\d+)\.1\.": r"\1.\2.resample.",
           r"m1\.": "middle.blocks.0.", r"m2\.": "middle.blocks.1.", r"ma\.n\.": "middle.attention.0.norm.",
           r"ma\.a\.": "middle.attention.0.attention.", r"(te|t1)\.": "embedding.fc1.", r"t2\.": "embedding.fc2.",
           r"inp\.": "input.", r"h(\d)\.": r"layers.\1.", r"(out|oc)\.": "output.", r"on\.": "norm.",
           r"pos$": "position.weight", r"ada\.": "norm.film.linear."}


def foglift_name(name: str, model: str) -> str:
    """>>> foglift_name("up.0.0.2.c1.weight", "unet1d")
    'up.0.blocks.2.conv1.weight'"""
    if model == "mlp2d" and name.startswith("inp."):
        return name.replace("inp", "layers.0", 1)
    inside = re.match(r"((?:blocks\.\d+|(?:down|up)\.\d+\.0\.\d+|m[12])\.)(\w+)(.*)", name)
    if inside:
        block, part, rest = inside.groups()
        name = block + INSIDE.get(part, part) + rest
    for pattern, new in RENAMES.items():
        name, found = re.subn("^" + pattern, new, name)
        if found:
            break
    return name


def tensor_bytes(t: torch.Tensor) -> bytes:
    t = t.detach().contiguous()  # without NumPy, which some PyTorch builds do not go with
    return ctypes.string_at(t.data_ptr(), t.numel() * t.element_size())


def write_safetensors(path: str, tensors: Dict[str, torch.Tensor], metadata: Dict[str, str]) -> None:
    header, end = {"__metadata__": metadata}, 0
    order = sorted(tensors, key=lambda n: (-tensors[n].element_size(), n))  # doubles first: aligned
    for name in order:
        t = tensors[name]
        size = t.numel() * t.element_size()
        header[name] = {"dtype": {4: "F32", 8: "F64"}[t.element_size()], "shape": list(t.shape),
                        "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            file.write(tensor_bytes(tensors[name]))


def read_npz(path: str) -> Dict[str, torch.Tensor]:
    import numpy as np

    def tensor(a):
        a = np.ascontiguousarray(a, dtype=np.float64)
        return torch.frombuffer(bytearray(a.tobytes()), dtype=torch.float64).reshape(a.shape)

    with np.load(path) as file:
        return {name: tensor(file[name]) for name in file.files}


def load(net: torch.nn.Module, saved: Dict[str, torch.Tensor], model: str) -> None:
    weights = {foglift_name(name[6:], model): w for name, w in saved.items() if name.startswith("param:")}
    if "position.weight" in weights:
        weights["position.weight"] = weights["position.weight"].squeeze(0)
    net.load_state_dict({name: w.float() for name, w in weights.items()})


def compute(net: torch.nn.Module, x: torch.Tensor, t: torch.Tensor, eps: torch.Tensor) -> Dict[str, torch.Tensor]:
    """Output and gradients, under foglift's names and in its layouts."""
    x = x.clone().requires_grad_()
    net.zero_grad()
    y = net(x, t)
    F.mse_loss(y, eps).backward()
    found = {"y": models.moved(y), "dx": models.moved(x.grad)}
    for name, p in net.named_parameters():
        found["gradient/" + name] = models.to_foglift(name, p.grad)
    return found


def export(model: str, folder: str, npz: str) -> None:
    net = models.make(model)
    for module in net.modules():
        if isinstance(module, models.TimeEmbedding):
            module.compute_angles_in(torch.float64)
    x, t = torch.randn(3, *models.SHAPES[model]), torch.tensor([0, 17, 999])
    eps, out = torch.randn_like(x), {}
    if npz:
        saved = read_npz(os.path.join(npz, model + ".npz"))
        load(net, saved, model)
        at = lambda name: saved[name].float().transpose(1, 2) if model == "dit1d" else saved[name].float()
        x, t = at("x"), saved["t"].long()
        out["saved/y"] = models.moved(at("y"))
    out.update({"x": models.moved(x), "t": t.float(), "eps": models.moved(eps)})
    for name, p in net.named_parameters():
        out["weight/" + name] = models.to_foglift(name, p).clone()
    for kind, dtype in (("f32", torch.float32), ("f64", torch.float64)):
        found = compute(net.to(dtype), x.to(dtype), t, eps.to(dtype))
        out.update({f"{kind}/{name}": value.clone() for name, value in found.items()})
    path = os.path.join(folder, model + ".safetensors")
    write_safetensors(path, out, {"made_by": f"PyTorch {torch.__version__}", "model": model})
    print(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="where to write")
    parser.add_argument("--models", nargs="+", default=list(models.SHAPES), choices=list(models.SHAPES))
    parser.add_argument("--npz", metavar="FOLDER", help="take weights, x, t and y from FOLDER/<model>.npz")
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    for model in args.models:
        export(model, args.folder, args.npz)


if __name__ == "__main__":
    main()
