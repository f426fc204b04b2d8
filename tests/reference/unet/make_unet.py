#!/usr/bin/env python3
"""Writes small UNet2DModels of diffusers with random weights, and what they answer. Made with diffusers
0.42.1, torch 2.15.0 and safetensors 0.8.0 from PyPI:

    python3 tests/reference/unet/make_unet.py tests/reference/unet

NAME.safetensors has the weights in bfloat16 under the names of diffusers, of its files from before version
0.14 for "ddpm". answers.safetensors has NAME.x, NAME.timestep / 1000 and NAME.y in float, channels last.
Timesteps are multiples of 1000 / 2^k, so that dividing them by 1000 is exact."""
import sys

import safetensors.torch
import torch
from diffusers import UNet2DModel

configurations = {
    # The default options but for the sizes, with classes.
    "plain": dict(sample_size=8, in_channels=1, out_channels=1, block_out_channels=(8, 16), layers_per_block=1,
                  norm_num_groups=4, attention_head_dim=4, num_class_embeds=4,
                  down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D")),
    # google/ddpm-cifar10-32 with other numbers of channels: multipliers 1, 2, 2, 2, attention at the second level.
    "ddpm": dict(sample_size=16, in_channels=3, out_channels=3, block_out_channels=(4, 8, 8, 8), layers_per_block=2,
                 norm_num_groups=4, attention_head_dim=None, downsample_padding=0, flip_sin_to_cos=False, freq_shift=1,
                 norm_eps=1e-6, down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
                 up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D")),
    # Scale and shift by the time, another width of the embedding, and an eps that shows.
    "film": dict(sample_size=(6, 10), in_channels=2, out_channels=4, block_out_channels=(8, 16), layers_per_block=1,
                 norm_num_groups=4, attn_norm_num_groups=4, attention_head_dim=8, norm_eps=0.05, time_embedding_dim=12,
                 resnet_time_scale_shift="scale_shift", down_block_types=("DownBlock2D", "AttnDownBlock2D"),
                 up_block_types=("AttnUpBlock2D", "UpBlock2D")),
}
old_names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def stored_name(name, old):
    if old:
        for new, before in old_names.items():
            name = name.replace("." + new + ".", "." + before + ".")
    return name


def main(folder):
    torch.manual_seed(3)
    torch.set_num_threads(1)
    answers = {}
    for name, options in configurations.items():
        net = UNet2DModel(**options).eval()
        for p in net.parameters():
            with torch.no_grad():
                p.copy_(0.2 * torch.randn_like(p) if p.dim() > 1 else p + 0.1 * torch.randn_like(p))
                p.copy_(p.to(torch.bfloat16).float())
        size = options["sample_size"]
        height, width = size if isinstance(size, tuple) else (size, size)
        x = torch.randn(4, options["in_channels"], height, width)
        timestep = 1000 * torch.tensor([0.0, 0.125, 0.5, 0.9375])
        labels = torch.tensor([0, 2, 3, 1]) if "num_class_embeds" in options else None
        with torch.no_grad():
            y = net(x, timestep, labels).sample
        safetensors.torch.save_file(
            {stored_name(k, name == "ddpm"): v.to(torch.bfloat16).contiguous() for k, v in net.state_dict().items()},
            f"{folder}/{name}.safetensors")
        for what, v in {"x": x, "y": y}.items():
            answers[f"{name}.{what}"] = v.permute(0, 2, 3, 1).contiguous()
        answers[f"{name}.time"] = timestep / 1000
        print(name, sum(p.numel() for p in net.parameters()), "weights, answers up to", y.abs().max().item())
    safetensors.torch.save_file(answers, f"{folder}/answers.safetensors")


main(sys.argv[1])
