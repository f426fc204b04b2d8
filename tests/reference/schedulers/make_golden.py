#!/usr/bin/env python3
"""Writes the golden runs of this folder: what the schedulers of diffusers and the samplers of
k-diffusion compute on a denoiser in closed form, with recorded noise. Usage:

    python make_golden.py tests/reference/schedulers

Made with diffusers 0.42.1, k-diffusion 0.1.1.post1, torch 1.13.0 (Debian's 1.13.1 build), numpy
1.24.2 and scipy 1.11; both libraries are called as they are, with these exceptions, all below:
 - Names that torch 1.13 and a machine without torchvision lack are defined as absent features.
 - "Double": the schedulers' modules see a `torch` and an `np` whose float32 is float64, so that
   their tables and updates are computed in double precision. The formulas are untouched.
 - Normal deviates come from numpy's PCG64 seeded with the CRC-32 of the case's name, and are kept.

The data are a mixture in every coordinate, 0.3 N(-1, 0.4^2) + 0.7 N(1.5, 0.6^2), whose E[x0 | x] is
exact at every level x = alpha x0 + sigma eps. A model is asked at the level that the scheduler holds
for its state (not at the rounded integer timestep), and answers in the scheduler's prediction type.

Files: one safetensors file for each family, all tensors F64, named <case>/<what>:
   run    [K + 1, 11] alpha, sigma, timestep, state: where call k of the model was made; the last row
                      is the result (timestep -1). Sigma-space schedulers have alpha = 1.
   <type> [K, 8]      the answer of the model, under the name of what it predicts: epsilon, x0, v,
                      flow (eps - x0), edm (F), score, -epsilon, -flow, -edm, trigflow. A learned
                      variance, where a model gives it, is 8 more columns.
   noise  [M, 8]      the deviates in the order in which they were drawn
   to     [K, 2]      alpha, sigma that a step goes to, where that is not the next row of levels
Samplers that call the model within a step have the grid's nodes in `run`, and
   calls  [C]         sigma of every call
(k-diffusion's model answers E[x0 | x] itself, which is not kept).
The metadata of a file hold the versions and, for each case, its class and options as JSON."""
import contextlib
import importlib
import importlib.util
import json
import math
import os
import struct
import sys
import types
import zlib

import numpy as np
import torch


# ---------------------------------------------------------------------------------------------------
# The libraries, in double precision
# ---------------------------------------------------------------------------------------------------
class Absent:
    """A backend that torch 1.13 has no module for: never available, does nothing."""

    def is_available(self):
        return False

    def __getattr__(self, name):
        return lambda *args, **kwargs: None


for backend in ("accelerator", "xpu", "mps"):
    if not hasattr(torch, backend):
        setattr(torch, backend, Absent())

import diffusers  # noqa: E402
import diffusers.schedulers  # noqa: E402


def k_diffusion_sampling():
    """k_diffusion.sampling without the package's other modules, which want torchvision and more."""
    for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
        module = types.ModuleType(name)
        module.functional = None
        sys.modules[name] = module
    package = types.ModuleType("k_diffusion")
    package.__path__ = list(importlib.util.find_spec("k_diffusion").submodule_search_locations)
    sys.modules["k_diffusion"] = package
    return importlib.import_module("k_diffusion.sampling")


class Double:
    """A module whose float32 is float64."""

    def __init__(self, module):
        self.module = module

    def __getattr__(self, name):
        return getattr(self.module, "float64" if name == "float32" else name)


torch.set_default_dtype(torch.float64)
torch.Tensor.float = torch.Tensor.double
NOISE = None  # the recorder of the running case


class Noise:
    def __init__(self, case):
        self.rng = np.random.default_rng(zlib.crc32(case.encode()))
        self.drawn = []

    def draw(self, shape):
        z = self.rng.standard_normal(tuple(shape))
        self.drawn.append(z.reshape(-1))
        return torch.from_numpy(z)


def draw(shape, **_):
    return NOISE.draw(shape)


def draw_like(x, **_):
    return NOISE.draw(x.shape)


class Path:
    """Normalized increments of one Brownian path W over `clock`: (W(b) - W(a)) / sqrt|b - a|. The
    path is drawn at all the clock's ticks beforehand; what is asked for is what is recorded."""

    def __init__(self, ticks, columns=8):
        self.ticks = np.sort(np.asarray(ticks, float))
        steps = np.sqrt(np.diff(self.ticks))[:, None] * NOISE.rng.standard_normal((len(ticks) - 1, columns))
        self.w = np.concatenate([np.zeros((1, columns)), np.cumsum(steps, 0)])

    def at(self, tick):
        k = int(np.argmin(np.abs(self.ticks - tick)))
        assert abs(self.ticks[k] - tick) <= 1e-9 * max(1, abs(tick)), (tick, self.ticks)
        return self.w[k]

    def __call__(self, a, b):
        a, b = float(a), float(b)
        z = (self.at(b) - self.at(a)) / math.sqrt(abs(b - a))
        NOISE.drawn.append(z)
        return torch.from_numpy(z)[None]


def load(name):
    module = importlib.import_module("diffusers.schedulers." + name)
    for attribute, replacement in (("torch", Double(torch)), ("np", Double(np)), ("randn_tensor", draw)):
        if hasattr(module, attribute):
            setattr(module, attribute, replacement)
    for value in vars(module).values():
        if isinstance(value, type) and value.__name__.endswith("Scheduler") and value.__module__ == module.__name__:
            return value
    raise KeyError(name)


# ---------------------------------------------------------------------------------------------------
# The model
# ---------------------------------------------------------------------------------------------------
COMPONENTS = ((0.3, -1.0, 0.4), (0.7, 1.5, 0.6))  # weight, mean, standard deviation
START = np.random.default_rng(20240607).standard_normal(8)


def denoised(x, alpha, sigma):
    """E[x0 | x = alpha x0 + sigma eps], element by element."""
    log_weight, mean = [], []
    for w, m, s in COMPONENTS:
        v = alpha**2 * s**2 + sigma**2
        log_weight.append(math.log(w) - 0.5 * math.log(v) - 0.5 * (x - alpha * m) ** 2 / v)
        mean.append(m + alpha * s**2 / v * (x - alpha * m))
    top = np.maximum(*log_weight)
    weight = [np.exp(l - top) for l in log_weight]
    return sum(w * m for w, m in zip(weight, mean)) / sum(weight)


def answer(x, alpha, sigma, prediction, sigma_data=0.5):
    """The model's output of a prediction type at a level of variance-preserving (or flow) form."""
    d = denoised(x, alpha, sigma)
    if prediction == "sample":
        return d
    if prediction in ("edm", "edm_v"):  # F of D = c_skip x + c_out F
        total = sigma**2 + sigma_data**2
        c_out = sigma * sigma_data / math.sqrt(total)
        f = (d - sigma_data**2 / total * x) / c_out
        return f if prediction == "edm" else -f
    eps = (x - alpha * d) / sigma
    if prediction == "epsilon":
        return eps
    if prediction == "v_prediction":
        if alpha == 1:  # variance-exploding state: v belongs to the state of unit variance
            vp = 1 / math.sqrt(1 + sigma**2)
            return vp * eps - sigma * vp * d
        return alpha * eps - sigma * d
    if prediction == "flow":
        return eps - d
    if prediction == "score":
        return -eps / sigma
    raise KeyError(prediction)


# ---------------------------------------------------------------------------------------------------
# Levels of a scheduler's state at call i, timestep t
# ---------------------------------------------------------------------------------------------------
def vp(alpha_bar):
    return math.sqrt(float(alpha_bar)), math.sqrt(1 - float(alpha_bar))


def table(s, i, t):
    return vp(s.alphas_cumprod[int(t)])


def exploding(s, i, t):
    return 1.0, float(s.sigmas[i])


def preserving(s, i, t):
    alpha, sigma = s._sigma_to_alpha_sigma_t(s.sigmas[i])
    return float(alpha), float(sigma)


def flow(s, i, t):
    return 1 - float(s.sigmas[i]), float(s.sigmas[i])


def two_stage(s, i, t):
    """Midpoint schedulers: the second call of a step is at sigmas_interpol."""
    if s.state_in_first_order:
        return 1.0, float(s.sigmas[i])
    ancestral = hasattr(s, "sigmas_down")
    return 1.0, float(s.sigmas_interpol[i - 1 if ancestral else i])


def sde_stage(s, i, t):
    return 1.0, float(s.sigmas[i] if s.state_in_first_order else s.mid_point_sigma)


# ---------------------------------------------------------------------------------------------------
# Cases
# ---------------------------------------------------------------------------------------------------
FAMILIES = {}
NAMES = {"sample": "x0", "v_prediction": "v", "edm_v": "-edm"}  # of predictions, in the files


def keep(family, case, about, **arrays):
    tensors, cases = FAMILIES.setdefault(family, ({}, {}))
    if "levels" in arrays:
        arrays["run"] = np.concatenate([np.array(arrays.pop("levels"), float), np.stack(arrays.pop("x"))], 1)
    assert case not in cases, case
    cases[case] = about
    if NOISE is not None and NOISE.drawn and "noise" not in arrays:
        arrays["noise"] = np.stack(NOISE.drawn)
    if "out" in arrays:
        arrays[NAMES.get(kind := about.pop("prediction"), kind)] = arrays.pop("out")
    for name, value in arrays.items():
        value = np.asarray(value, dtype=np.float64)
        if not np.isfinite(value).all():
            about["not_finite"] = about.get("not_finite", []) + [name]
        tensors[case + "/" + name] = value


def short(options):
    """Options for the metadata, with the betas of Stable Diffusion by their name."""
    if all(options.get(k) == v for k, v in SD.items()):
        return {**{k: v for k, v in options.items() if k not in SD}, "betas": "scaled_linear"}
    return options


def run(family, case, scheduler, level, steps=5, prediction=None, final=None, learned=None, to=None, step=None,
        timesteps=None, start=None, **options):
    """One run of a diffusers scheduler; options are its constructor's."""
    global NOISE
    NOISE = Noise(case)
    about = {"class": scheduler, **short(options)}
    step = dict(step or {})
    if step:
        about["step"] = {k: v for k, v in step.items() if isinstance(v, (int, float, bool))}
    module = load(MODULES[scheduler])
    s = module(**options)
    s.set_timesteps(**(timesteps or {"num_inference_steps": steps}))
    kind = prediction or options.get("prediction_type", "epsilon")
    about["prediction"] = kind
    if hasattr(s, "noise_sampler") and scheduler == "DPMSolverSDE":
        nodes = sorted({float(v) for v in s.sigmas if v > 0})
        middles = [float(np.sqrt(a * b)) for a, b in zip(nodes, nodes[1:])]
        s.noise_sampler = Path(nodes + middles)
    if hasattr(s, "noise_sampler") and scheduler == "CosineDPMSolverMultistep":
        s.noise_sampler = lambda a, b: NOISE.draw((1, 8))
    levels, xs, outs, tos = [], [], [], []
    shape = (1, 8, 1) if options.get("thresholding") else (1, 8)  # thresholds want [B, C, ...]
    x = None
    stamps = s.timesteps[:-1] if scheduler.startswith("LTX") else s.timesteps  # LTX lists the end too
    for i, t in enumerate(stamps):
        alpha, sigma = level(s, i, t)
        if x is None:
            x = torch.from_numpy(START * sigma if start is None else np.array(start)).reshape(shape)
        s.scale_model_input(x, t) if hasattr(s, "scale_model_input") else None
        alpha, sigma = level(s, i, t)
        out = answer(x.numpy().reshape(-1), alpha, sigma, kind, getattr(s.config, "sigma_data", 0.5))
        if learned is not None:
            out = np.concatenate([out, learned])
        levels.append((alpha, sigma, float(t)))
        xs.append(x.numpy().reshape(-1).copy())
        outs.append(out)
        extra = {k: (v(s, i) if callable(v) else v) for k, v in step.items()}
        if to is not None:
            tos.append(to(s, i, int(t)))
        x = s.step(torch.from_numpy(out).reshape(1, -1, *shape[2:]), t, x, return_dict=False, **extra)[0]
    end = final(s) if final else level(s, len(stamps), -1)
    levels.append((*end, -1.0))
    xs.append(x.numpy().reshape(-1))
    keep(family, case, about, levels=levels, x=xs, out=outs, **({"to": tos} if tos else {}))


def same(case, scheduler, *args, **kwargs):
    """Makes sure that a scheduler's run is the one that is kept as `case`, of the family discrete."""
    tensors, cases = FAMILIES["discrete"]
    kept = {name: value for name, value in tensors.items() if name.startswith(case + "/")}
    about = cases.pop(case)
    run("discrete", case, scheduler, *args, **kwargs)
    for name, value in kept.items():
        assert np.array_equal(tensors[name], value), (scheduler, name)
    cases[case] = {**about, "also": scheduler}


MODULES = {
    "DDPM": "scheduling_ddpm", "DDIM": "scheduling_ddim", "DDIMInverse": "scheduling_ddim_inverse",
    "CogVideoXDDIM": "scheduling_ddim_cogvideox", "CogVideoXDPM": "scheduling_dpm_cogvideox",
    "PNDM": "scheduling_pndm", "LCM": "scheduling_lcm", "TCD": "scheduling_tcd", "UnCLIP": "scheduling_unclip",
    "RePaint": "scheduling_repaint", "DDPMWuerstchen": "scheduling_ddpm_wuerstchen",
    "DDIMParallel": "scheduling_ddim_parallel", "DDPMParallel": "scheduling_ddpm_parallel",
    "EulerDiscrete": "scheduling_euler_discrete", "EulerAncestralDiscrete": "scheduling_euler_ancestral_discrete",
    "HeunDiscrete": "scheduling_heun_discrete", "KDPM2Discrete": "scheduling_k_dpm_2_discrete",
    "KDPM2AncestralDiscrete": "scheduling_k_dpm_2_ancestral_discrete", "LMSDiscrete": "scheduling_lms_discrete",
    "DPMSolverSDE": "scheduling_dpmsolver_sde", "EDMEuler": "scheduling_edm_euler", "IPNDM": "scheduling_ipndm",
    "CMStochasticIterative": "scheduling_consistency_models", "KarrasVe": "deprecated.scheduling_karras_ve",
    "DPMSolverMultistep": "scheduling_dpmsolver_multistep", "DPMSolverSinglestep": "scheduling_dpmsolver_singlestep",
    "DPMSolverMultistepInverse": "scheduling_dpmsolver_multistep_inverse",
    "EDMDPMSolverMultistep": "scheduling_edm_dpmsolver_multistep",
    "CosineDPMSolverMultistep": "scheduling_cosine_dpmsolver_multistep", "DEISMultistep": "scheduling_deis_multistep",
    "UniPCMultistep": "scheduling_unipc_multistep", "SASolver": "scheduling_sasolver",
    "FlowMatchEulerDiscrete": "scheduling_flow_match_euler_discrete",
    "FlowMatchHeunDiscrete": "scheduling_flow_match_heun_discrete", "FlowMatchLCM": "scheduling_flow_match_lcm",
    "FlowMapEulerDiscrete": "scheduling_flow_map_euler_discrete",
    "LTXEulerAncestralRF": "scheduling_ltx_euler_ancestral_rf", "SCM": "scheduling_scm",
    "MiniMaxH3": "scheduling_minimax_h3", "ScoreSdeVe": "scheduling_sde_ve",
    "ScoreSdeVp": "deprecated.scheduling_sde_vp",
}
LINEAR = dict(beta_start=1e-4, beta_end=0.02, beta_schedule="linear")
SD = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")


def end_of_table(s):
    return vp(s.final_alpha_cumprod if hasattr(s, "final_alpha_cumprod") else 1.0)


def clean(s):
    return 1.0, 0.0


def integer_timesteps():
    """Schedulers that look levels up in a table of alpha-bar."""
    f = "discrete"
    plain = dict(clip_sample=False)
    for prediction in ("epsilon", "sample", "v_prediction"):
        run(f, "ddpm." + prediction, "DDPM", table, final=clean, prediction_type=prediction, **plain)
    for variance in ("fixed_small_log", "fixed_large"):
        run(f, "ddpm." + variance, "DDPM", table, final=clean, variance_type=variance, timestep_spacing="trailing",
            **plain, **SD)
    omega = np.linspace(-0.9, 0.9, 8)
    run(f, "ddpm.learned_range", "DDPM", table, final=clean, variance_type="learned_range", learned=omega, **plain)
    for spacing in ("linspace", "trailing"):
        run(f, "ddpm." + spacing, "DDPM", table, final=clean, timestep_spacing=spacing, **plain)
    run(f, "ddpm.cosine", "DDPM", table, final=clean, beta_schedule="squaredcos_cap_v2", **plain)
    run(f, "ddpm.zero_snr", "DDPM", table, final=clean, rescale_betas_zero_snr=True, timestep_spacing="trailing",
        prediction_type="v_prediction", **plain)
    run(f, "ddpm.clip", "DDPM", table, final=clean, clip_sample=True, clip_sample_range=1.2)
    run(f, "ddpm.threshold", "DDPM", table, final=clean, thresholding=True, dynamic_thresholding_ratio=0.8,
        sample_max_value=1.7, **plain)
    same("ddpm.epsilon", "DDPMParallel", table, final=clean, **plain)

    for eta in (0.0, 0.5, 1.0):
        run(f, f"ddim.eta_{eta}", "DDIM", table, steps=5, final=end_of_table, step=dict(eta=eta), **plain)
    run(f, "ddim.sample", "DDIM", table, steps=5, final=end_of_table, prediction_type="sample", **plain)
    run(f, "ddim.v", "DDIM", table, steps=5, final=end_of_table, prediction_type="v_prediction", **plain, **SD)
    run(f, "ddim.trailing", "DDIM", table, steps=5, final=end_of_table, timestep_spacing="trailing", **plain, **SD)
    run(f, "ddim.first_level", "DDIM", table, steps=5, final=end_of_table, set_alpha_to_one=False, steps_offset=1,
        step=dict(eta=0.5), **plain, **SD)

    def behind(s, i, t):  # the predecessor t - T // N, which is not the next timestep
        p = t - s.config.num_train_timesteps // s.num_inference_steps
        return vp(s.alphas_cumprod[p] if p >= 0 else s.final_alpha_cumprod)

    run(f, "ddim.linspace", "DDIM", table, steps=5, final=end_of_table, timestep_spacing="linspace", to=behind,
        **plain)
    run(f, "ddim.leading_7", "DDIM", table, steps=7, final=end_of_table, timestep_spacing="leading",
        **plain)
    run(f, "ddim.clip", "DDIM", table, steps=5, final=end_of_table, clip_sample=True, clip_sample_range=1.2)
    run(f, "ddim.clip_rederived", "DDIM", table, steps=5, final=end_of_table, clip_sample=True,
        clip_sample_range=1.2, step=dict(use_clipped_model_output=True))
    run(f, "ddim.zero_snr", "DDIM", table, steps=5, final=end_of_table, rescale_betas_zero_snr=True,
        timestep_spacing="trailing", prediction_type="v_prediction", **plain)
    same("ddim.eta_0.5", "DDIMParallel", table, final=end_of_table, step=dict(eta=0.5), **plain)
    run(f, "cogvideox_ddim", "CogVideoXDDIM", table, steps=5, final=end_of_table, timestep_spacing="trailing",
        prediction_type="v_prediction", rescale_betas_zero_snr=True, snr_shift_scale=3.0, **plain)
    invert("ddim_inverse")

    run(f, "unclip", "UnCLIP", table, final=clean, clip_sample=False,
        step=dict(prev_timestep=lambda s, i: int(s.timesteps[i + 1]) if i + 1 < len(s.timesteps) else -1))
    run(f, "unclip.learned_range", "UnCLIP", table, final=clean, clip_sample=False, variance_type="learned_range",
        learned=omega,
        step=dict(prev_timestep=lambda s, i: int(s.timesteps[i + 1]) if i + 1 < len(s.timesteps) else -1))
    mask = torch.tensor([1.0, 1, 1, 0, 0, 0, 0, 0])[None]
    known = torch.from_numpy(np.linspace(-1.5, 2, 8))[None]
    for eta in (0.0, 1.0):
        run_repaint(f"repaint.eta_{eta}", eta, known, mask)
    wuerstchen()
    for name, options in (("pndm.plms", dict(skip_prk_steps=True)), ("pndm.prk", dict(skip_prk_steps=False)),
                          ("pndm.plms_v", dict(skip_prk_steps=True, prediction_type="v_prediction",
                                               set_alpha_to_one=True, **SD))):
        run(f, name, "PNDM", table, steps=5, final=end_of_table, **options)
    run(f, "lcm", "LCM", table, steps=4, final=clean)
    run(f, "lcm.v", "LCM", table, steps=4, final=clean, prediction_type="v_prediction", original_inference_steps=40)
    for gamma in (0.0, 0.3, 1.0):
        run(f, f"tcd.gamma_{gamma}", "TCD", table, steps=4, final=lambda s: vp(s.alphas_cumprod[0]),
            step=dict(eta=gamma))
    cogvideox_dpm()


def invert(case):
    """DDIM inversion: the state before call i is at timestep t - T // N, where the model is asked."""
    global NOISE
    NOISE = Noise(case)
    s = load(MODULES["DDIMInverse"])(clip_sample=False, set_alpha_to_one=True)
    s.set_timesteps(5)
    stride = s.config.num_train_timesteps // s.num_inference_steps
    x = torch.from_numpy(np.linspace(-1.6, 2.1, 8))[None]
    levels, xs, outs = [], [], []
    for t in s.timesteps:
        p = int(t) - stride
        alpha, sigma = vp(s.alphas_cumprod[p]) if p >= 0 else vp(s.initial_alpha_cumprod)
        out = answer(x.numpy()[0], alpha, sigma, "epsilon") if sigma > 0 else np.zeros(8)
        levels.append((alpha, sigma, float(p)))
        xs.append(x.numpy()[0])
        outs.append(out)
        x = s.step(torch.from_numpy(out)[None], int(t), x, return_dict=False)[0]
    levels.append((*vp(s.alphas_cumprod[int(s.timesteps[-1])]), float(s.timesteps[-1])))
    xs.append(x.numpy()[0])
    keep("discrete", case, {"class": "DDIMInverse", "prediction": "epsilon"}, levels=levels, x=xs, out=outs)


def run_repaint(case, eta, known, mask):
    global NOISE
    NOISE = Noise(case)
    s = load(MODULES["RePaint"])(eta=eta, clip_sample=False)
    s.set_timesteps(5, jump_length=1, jump_n_sample=1)
    x = torch.from_numpy(START)[None]
    levels, xs, outs = [], [], []
    for t in s.timesteps:
        alpha, sigma = vp(s.alphas_cumprod[int(t)])
        out = answer(x.numpy()[0], alpha, sigma, "epsilon")
        levels.append((alpha, sigma, float(t)))
        xs.append(x.numpy()[0])
        outs.append(out)
        x = s.step(torch.from_numpy(out)[None], int(t), x, known, mask, return_dict=False)[0]
    levels.append((*vp(s.final_alpha_cumprod), -1.0))
    xs.append(x.numpy()[0])
    keep("discrete", case, {"class": "RePaint", "eta": eta, "prediction": "epsilon"}, levels=levels, x=xs, out=outs,
         mask=mask[0], known=known[0])


def wuerstchen():
    global NOISE
    NOISE = Noise("wuerstchen")
    s = load(MODULES["DDPMWuerstchen"])()
    s.set_timesteps(5)
    x = torch.from_numpy(START)[None]
    levels, xs, outs = [], [], []
    for t in s.timesteps[:-1]:
        alpha, sigma = vp(s._alpha_cumprod(t, "cpu"))
        out = answer(x.numpy()[0], alpha, sigma, "epsilon")
        levels.append((alpha, sigma, float(t)))
        xs.append(x.numpy()[0])
        outs.append(out)
        x = s.step(torch.from_numpy(out)[None], t[None], x, return_dict=False)[0]
    levels.append((*vp(s._alpha_cumprod(s.timesteps[-1], "cpu")), 0.0))
    xs.append(x.numpy()[0])
    keep("discrete", "wuerstchen", {"class": "DDPMWuerstchen", "prediction": "epsilon"}, levels=levels, x=xs,
         out=outs)


def cogvideox_dpm():
    global NOISE
    NOISE = Noise("cogvideox_dpm")
    s = load(MODULES["CogVideoXDPM"])(prediction_type="v_prediction", timestep_spacing="trailing",
                                      rescale_betas_zero_snr=False, snr_shift_scale=3.0, clip_sample=False)
    s.set_timesteps(5)
    x = torch.from_numpy(START)[None]
    levels, xs, outs, old = [], [], [], None
    for i, t in enumerate(s.timesteps):
        alpha, sigma = vp(s.alphas_cumprod[int(t)])
        out = answer(x.numpy()[0], alpha, sigma, "v_prediction")
        levels.append((alpha, sigma, float(t)))
        xs.append(x.numpy()[0])
        outs.append(out)
        x, old = s.step(torch.from_numpy(out)[None], old, int(t), int(s.timesteps[i - 1]) if i > 0 else None, x,
                        return_dict=False)
    levels.append((*vp(s.final_alpha_cumprod), -1.0))
    xs.append(x.numpy()[0])
    keep("discrete", "cogvideox_dpm", {"class": "CogVideoXDPM", "prediction": "v_prediction", "snr_shift_scale": 3},
         levels=levels, x=xs, out=outs)


def sigma_space():
    """Schedulers whose state is x0 + sigma eps."""
    f = "sigma"
    e, zero = exploding, lambda s: (1.0, float(s.sigmas[-1]))
    run(f, "euler", "EulerDiscrete", e, steps=5, **SD)
    for prediction in ("v_prediction", "sample"):
        run(f, "euler." + prediction, "EulerDiscrete", e, steps=5, prediction_type=prediction, **SD)
    for spacing in ("leading", "trailing"):
        run(f, "euler." + spacing, "EulerDiscrete", e, steps=5, timestep_spacing=spacing, steps_offset=1, **SD)
    for sigmas in ("karras", "exponential", "beta"):
        run(f, "euler." + sigmas, "EulerDiscrete", e, steps=5, **{f"use_{sigmas}_sigmas": True}, **SD)
    run(f, "euler.sigma_min", "EulerDiscrete", e, steps=5, final_sigmas_type="sigma_min", **SD)
    run(f, "euler.log_linear", "EulerDiscrete", e, steps=5, interpolation_type="log_linear", **SD)
    run(f, "euler.zero_snr", "EulerDiscrete", e, steps=5, rescale_betas_zero_snr=True, timestep_spacing="trailing",
        prediction_type="v_prediction", **SD)
    run(f, "euler.churn", "EulerDiscrete", e, steps=5, step=dict(s_churn=1.0, s_tmin=0.1, s_tmax=10.0, s_noise=1.003),
        **SD)
    run(f, "euler_ancestral", "EulerAncestralDiscrete", e, steps=5, **SD)
    run(f, "euler_ancestral.v", "EulerAncestralDiscrete", e, steps=5, prediction_type="v_prediction",
        timestep_spacing="trailing", **SD)
    run(f, "heun", "HeunDiscrete", e, steps=5, final=zero, **SD)
    run(f, "heun.v", "HeunDiscrete", e, steps=5, final=zero, prediction_type="v_prediction", use_karras_sigmas=True,
        **SD)
    run(f, "heun.sample", "HeunDiscrete", e, steps=5, final=zero, prediction_type="sample",
        use_exponential_sigmas=True, **SD)
    run(f, "dpm_2", "KDPM2Discrete", two_stage, steps=5, final=zero, **SD)
    run(f, "dpm_2.v", "KDPM2Discrete", two_stage, steps=5, final=zero, prediction_type="v_prediction",
        use_karras_sigmas=True, **SD)
    run(f, "dpm_2_ancestral", "KDPM2AncestralDiscrete", two_stage, steps=5, final=zero, **SD)
    run(f, "dpm_2_ancestral.karras", "KDPM2AncestralDiscrete", two_stage, steps=5, final=zero,
        use_karras_sigmas=True, **SD)
    for order in (1, 2, 3, 4):
        run(f, f"lms.order_{order}", "LMSDiscrete", e, steps=6, step=dict(order=order), **SD)
    run(f, "lms.karras", "LMSDiscrete", e, steps=6, use_karras_sigmas=True, **SD)
    run(f, "dpm_sde", "DPMSolverSDE", sde_stage, steps=5, final=zero, **SD)
    run(f, "dpm_sde.karras", "DPMSolverSDE", sde_stage, steps=5, final=zero, use_karras_sigmas=True,
        prediction_type="v_prediction", **SD)
    for kind, prediction in (("epsilon", "edm"), ("v_prediction", "edm_v")):
        run(f, "edm_euler." + kind, "EDMEuler", e, steps=5, prediction=prediction, prediction_type=kind)
    run(f, "edm_euler.exponential", "EDMEuler", e, steps=5, prediction="edm", sigma_schedule="exponential",
        final_sigmas_type="sigma_min")
    run(f, "edm_euler.churn", "EDMEuler", e, steps=5, prediction="edm", step=dict(s_churn=1.0, s_tmax=50.0))
    run(f, "ipndm", "IPNDM", lambda s, i, t: (float(s.alphas[i]), float(s.betas[i])), steps=6,
        prediction="v_prediction", final=lambda s: (float(s.alphas[len(s.timesteps)]), float(s.betas[len(s.timesteps)])))
    run(f, "consistency", "CMStochasticIterative", e, prediction="sample", clip_denoised=False,
        timesteps=dict(timesteps=[39, 26, 13, 0]))
    karras_ve()


def karras_ve():
    """The EDM sampler in three calls: churn, step, correct. The model answers (x0 - x) / sigma."""
    global NOISE
    for case, churn in (("karras_ve", 2.0), ("karras_ve.ode", 0.0)):
        NOISE = Noise(case)
        s = load(MODULES["KarrasVe"])(s_churn=churn, s_noise=1.007, s_min=0.05, s_max=50, sigma_min=0.02, sigma_max=100)
        s.set_timesteps(5)
        schedule = [math.sqrt(float(v)) for v in s.schedule]  # s.schedule holds squares, in order of time
        x = torch.from_numpy(START * schedule[-1])[None]
        levels, xs, outs, calls = [], [], [], []

        def model(x, sigma):
            out = -answer(x.numpy()[0], 1.0, sigma, "epsilon")
            calls.append(sigma)
            outs.append(out)
            return torch.from_numpy(out)[None]

        sigmas = schedule[::-1] + [0.0]
        for i, (sigma, below) in enumerate(zip(sigmas, sigmas[1:])):
            levels.append((1, sigma, i))
            xs.append(x.numpy()[0])
            hat, sigma_hat = s.add_noise_to_input(x, sigma)
            first = s.step(model(hat, sigma_hat), sigma_hat, below, hat)
            x = first.prev_sample
            if below != 0:
                x = s.step_correct(model(x, below), sigma_hat, below, hat, x, first["derivative"]).prev_sample
        levels.append((1, 0, -1))
        xs.append(x.numpy()[0])
        keep("sigma", case, {"class": "KarrasVe", "s_churn": churn, "s_noise": 1.007, "prediction": "-epsilon"},
             levels=levels, x=xs, calls=calls, out=outs)


def multistep():
    """DPM-Solver, DEIS, UniPC and SA-Solver: the state is alpha x0 + sigma eps."""
    f, p = "multistep", preserving
    dpm = "DPMSolverMultistep"
    for algorithm in ("dpmsolver++", "dpmsolver", "sde-dpmsolver++", "sde-dpmsolver"):
        for order, form in ((1, "midpoint"), (2, "midpoint"), (2, "heun"), (3, "midpoint")):
            if order == 3 and algorithm == "sde-dpmsolver":
                continue  # has no formula there
            name = f"{algorithm}.{order}" + (f".{form}" if order == 2 else "")
            run(f, name, dpm, p, algorithm_type=algorithm, solver_order=order, solver_type=form,
                final_sigmas_type="sigma_min" if algorithm.endswith("solver") else "zero", **SD)
    run(f, "dpmsolver++.sample", dpm, p, prediction_type="sample", use_karras_sigmas=True, **SD)
    run(f, "dpmsolver++.v", dpm, p, prediction_type="v_prediction", timestep_spacing="trailing", **SD)
    run(f, "dpmsolver++.flow", dpm, p, prediction="flow", prediction_type="flow_prediction", use_flow_sigmas=True,
        flow_shift=3.0)
    run(f, "sde-dpmsolver++.flow", dpm, p, prediction="flow", prediction_type="flow_prediction", use_flow_sigmas=True,
        flow_shift=3.0, algorithm_type="sde-dpmsolver++")
    run(f, "dpmsolver++.lu", dpm, p, use_lu_lambdas=True, **SD)
    run(f, "dpmsolver++.exponential", dpm, p, use_exponential_sigmas=True, **SD)
    run(f, "dpmsolver++.beta", dpm, p, use_beta_sigmas=True, **SD)
    run(f, "dpmsolver++.leading", dpm, p, timestep_spacing="leading", steps_offset=1, euler_at_final=True,
        final_sigmas_type="sigma_min", **SD)
    run(f, "dpmsolver++.no_lowering", dpm, p, solver_order=3, lower_order_final=False,
        final_sigmas_type="sigma_min", **SD)
    run(f, "dpmsolver++.zero_snr", dpm, p, rescale_betas_zero_snr=True, prediction_type="v_prediction",
        timestep_spacing="trailing", **SD)
    run(f, "dpmsolver++.threshold", dpm, p, thresholding=True, dynamic_thresholding_ratio=0.8, sample_max_value=1.7,
        **SD)

    single = "DPMSolverSinglestep"
    for algorithm in ("dpmsolver++", "dpmsolver", "sde-dpmsolver++"):
        for order, form in ((1, "midpoint"), (2, "midpoint"), (2, "heun"), (3, "midpoint"), (3, "heun")):
            if (order == 1 and algorithm != "dpmsolver++") or (order == 3 and algorithm.startswith("sde")):
                continue
            # Exponential sigmas: the grid's nodes within a step are the thirds or halves of its log SNR.
            run(f, f"single.{algorithm}.{order}" + (f".{form}" if order > 1 else ""), single, p,
                steps=7 if order == 3 else 5, algorithm_type=algorithm, solver_order=order, solver_type=form,
                lower_order_final=True, use_exponential_sigmas=True,
                final_sigmas_type="zero" if algorithm != "dpmsolver" else "sigma_min", **SD)
    for order in (1, 2, 3):
        inverse_multistep(order)

    edm = "EDMDPMSolverMultistep"
    for name, options in (("2", {}), ("2.heun", dict(solver_type="heun")), ("3", dict(solver_order=3)),
                          ("sde.2", dict(algorithm_type="sde-dpmsolver++")),
                          ("exponential", dict(sigma_schedule="exponential"))):
        run(f, "edm_dpm." + name, edm, exploding, prediction="edm", **options)
    for form in ("midpoint", "heun"):
        run(f, "cosine_dpm." + form, "CosineDPMSolverMultistep", exploding, prediction="edm_v", solver_type=form)

    for order in (1, 2, 3):
        run(f, f"deis.{order}", "DEISMultistep", p, solver_order=order, **SD)
    run(f, "deis.karras", "DEISMultistep", p, use_karras_sigmas=True, prediction_type="v_prediction", **SD)
    run(f, "deis.flow", "DEISMultistep", p, prediction="flow", prediction_type="flow_prediction",
        use_flow_sigmas=True, flow_shift=2.0)

    uni = "UniPCMultistep"
    for order in (1, 2, 3):
        for form in ("bh1", "bh2"):
            for data in (True, False):
                if order == 1 and (form == "bh1") == data:
                    continue
                run(f, f"unipc.{order}.{form}.{'data' if data else 'noise'}", uni, p, solver_order=order,
                    solver_type=form, predict_x0=data, final_sigmas_type="zero" if data and form == "bh2" else "sigma_min", **SD)
    run(f, "unipc.predictor", uni, p, solver_order=3, disable_corrector=[0, 1, 2, 3, 4, 5], **SD)
    run(f, "unipc.karras", uni, p, use_karras_sigmas=True, prediction_type="v_prediction", **SD)
    run(f, "unipc.flow", uni, p, prediction="flow", prediction_type="flow_prediction", use_flow_sigmas=True,
        flow_shift=3.0)

    for predictor, corrector, taus in ((2, 2, (1.0, 0.0)), (2, 3, (1.0, 0.0)), (3, 3, (1.0,)), (3, 4, (1.0, 0.7, 0.0))):
        for tau in taus:
            run_sa(f"sa.p{predictor}c{corrector}.tau_{tau:g}", predictor, corrector, tau)


def run_sa(case, predictor, corrector, tau):
    run("multistep", case, "SASolver", preserving, predictor_order=predictor, corrector_order=corrector,
        tau_func=lambda t: tau, timestep_spacing="trailing", **SD)
    about = FAMILIES["multistep"][1][case]
    about["tau"] = tau
    del about["tau_func"]


def inverse_multistep(order):
    case = f"inverse.dpmsolver++.{order}"
    run("multistep", case, "DPMSolverMultistepInverse", preserving, solver_order=order,
        start=np.linspace(-1.6, 2.1, 8), **SD)


def flows():
    """Flow matching, trigonometric flows and the SDEs of continuous time."""
    f, w = "flow", flow
    euler = "FlowMatchEulerDiscrete"
    run(f, "euler", euler, w, steps=5, prediction="flow")
    run(f, "euler.shift", euler, w, steps=5, prediction="flow", shift=3.0)
    run(f, "euler.stochastic", euler, w, steps=5, prediction="flow", shift=3.0, stochastic_sampling=True)
    for kind in ("exponential", "linear"):
        run(f, "euler.dynamic_" + kind, euler, w, prediction="flow", use_dynamic_shifting=True, time_shift_type=kind,
            timesteps=dict(sigmas=np.linspace(1, 0.2, 5), mu=0.9))
    run(f, "euler.terminal", euler, w, steps=5, prediction="flow", shift=2.0, shift_terminal=0.1)
    for sigmas in ("karras", "exponential", "beta"):
        run(f, "euler." + sigmas, euler, w, steps=5, prediction="flow", **{f"use_{sigmas}_sigmas": True})
    heun = "FlowMatchHeunDiscrete"
    for name, options in (("heun", {}), ("heun.shift", dict(shift=3.0))):
        run(f, name, heun, w, steps=5, prediction="flow", final=lambda s: (1.0, 0.0), **options)
    run(f, "lcm", "FlowMatchLCM", w, steps=4, prediction="flow", shift=3.0)
    run(f, "flow_map", "FlowMapEulerDiscrete", w, steps=5, prediction="flow", shift=2.0)
    for eta in (0.0, 0.5, 1.0):
        run(f, f"ltx.eta_{eta}", "LTXEulerAncestralRF", w, steps=5, prediction="flow", eta=eta,
            timesteps=dict(sigmas=[0.95, 0.8, 0.6, 0.4, 0.2, 0.0]))
    run_trigonometric()
    run_minimax()
    sde_ve()
    sde_vp()


def run_trigonometric():
    global NOISE
    NOISE = Noise("scm")
    s = load(MODULES["SCM"])(sigma_data=0.5)
    s.set_timesteps(4, max_timesteps=1.5708, intermediate_timesteps=None)
    t = s.timesteps
    x = torch.from_numpy(START * 0.5)[None]  # states have the data's deviation 0.5
    levels, xs, outs = [], [], []
    for k in range(len(t) - 1):
        a, b = math.cos(float(t[k])), math.sin(float(t[k])) * 0.5
        d = denoised(x.numpy()[0], a, b)
        out = (math.cos(float(t[k])) * x.numpy()[0] - d) / math.sin(float(t[k]))
        levels.append((a, b, float(t[k])))
        xs.append(x.numpy()[0])
        outs.append(out)
        x = s.step(torch.from_numpy(out)[None], t[k], x, return_dict=False)[0]
    levels.append((math.cos(float(t[-1])), math.sin(float(t[-1])) * 0.5, float(t[-1])))
    xs.append(x.numpy()[0])
    keep("flow", "scm", {"class": "SCM", "prediction": "trigflow", "sigma_data": 0.5}, levels=levels, x=xs, out=outs)


def run_minimax():
    global NOISE
    NOISE = Noise("minimax")
    s = load(MODULES["MiniMaxH3"])(shift=12.0)
    s.set_timesteps(6)
    x = torch.from_numpy(START)[None]
    levels, xs, outs = [], [], []
    for i, t in enumerate(s.timesteps):
        sigma = float(s.sigmas[i])
        out = -answer(x.numpy()[0], 1 - sigma, sigma, "flow")  # velocity towards data
        levels.append((1 - sigma, sigma, float(t)))
        xs.append(x.numpy()[0])
        outs.append(out)
        x = s.step(torch.from_numpy(out)[None], t, x, return_dict=False)[0]
    sigma = float(s.sigmas[-1])
    levels.append((1 - sigma, sigma, -1.0))
    xs.append(x.numpy()[0])
    keep("flow", "minimax", {"class": "MiniMaxH3", "prediction": "-flow", "shift": 12}, levels=levels, x=xs, out=outs)


def sde_ve():
    """Predictor (reverse diffusion) and Langevin corrector, one of each a step."""
    global NOISE
    NOISE = Noise("sde_ve")
    s = load(MODULES["ScoreSdeVe"])(sigma_min=0.01, sigma_max=50.0, snr=0.15)
    s.set_timesteps(5)
    s.set_sigmas(5)
    x = torch.from_numpy(START * 50)[None]
    levels, xs, outs, calls = [], [], [], []
    for i, t in enumerate(s.timesteps):
        sigma = float(s.discrete_sigmas[int(t * (len(s.timesteps) - 1))])
        levels.append((1, sigma, float(t)))
        xs.append(x.numpy()[0])

        def score(x):
            calls.append(sigma)
            outs.append(answer(x.numpy()[0], 1, sigma, "score"))
            return torch.from_numpy(outs[-1])[None]

        x = s.step_correct(score(x), x, return_dict=False)[0]
        x = s.step_pred(score(x), t, x, return_dict=False)[0]
    levels.append((1, 0, -1))
    xs.append(x.numpy()[0])
    keep("flow", "sde_ve", {"class": "ScoreSdeVe", "prediction": "score", "snr": 0.15, "corrector": 1}, levels=levels,
         x=xs, calls=calls, out=outs)


def sde_vp():
    """Euler & Maruyama's rule; the model answers eps. The step is 1 / N whatever the grid."""
    global NOISE
    NOISE = Noise("sde_vp")
    s = load(MODULES["ScoreSdeVp"])()
    s.set_timesteps(6)
    x = torch.from_numpy(START)[None]
    levels, xs, outs = [], [], []
    for t in s.timesteps:
        bar = math.exp(-0.5 * float(t) ** 2 * 19.9 - float(t) * 0.1)
        alpha, sigma = vp(bar)
        levels.append((alpha, sigma, float(t)))
        xs.append(x.numpy()[0])
        outs.append(answer(x.numpy()[0], alpha, sigma, "epsilon"))
        x, mean = s.step_pred(torch.from_numpy(outs[-1])[None], x, t)
    levels.append((1, 0, -1))
    xs.append(x.numpy()[0])
    keep("flow", "sde_vp", {"class": "ScoreSdeVp", "prediction": "epsilon", "step": "1 / N"}, levels=levels, x=xs,
         out=outs)


def k_diffusion():
    """The samplers of k-diffusion on one Karras grid of five steps."""
    global NOISE
    k = k_diffusion_sampling()
    k.torch = type("Torch", (), {"__getattr__": lambda self, n: draw_like if n == "randn_like" else getattr(torch, n)})()
    sigmas = k.get_sigmas_karras(5, 0.02, 20.0)
    middles = [float((a * b).sqrt()) for a, b in zip(sigmas[:-2], sigmas[1:-1])]

    def sampler(case, name, brownian=None, grid=sigmas, **options):
        global NOISE
        NOISE = Noise(case)
        calls, xs, at = [], [], []

        def model(x, sigma):
            calls.append(float(sigma[0]))
            return torch.from_numpy(denoised(x.numpy()[0], 1, float(sigma[0])))[None]

        def watch(info):
            if "error" not in info:
                low, high = float(info["sigma"]), float(info["sigma_hat"])
                state = info["x"].numpy()[0].copy()
                if high > low:  # the churned state is shown: take the noise off again
                    state -= math.sqrt(high**2 - low**2) * options["s_noise"] * NOISE.drawn[-1]
                xs.append(state)
                at.append(low)

        if brownian:
            options["noise_sampler"] = Path([float(v) for v in grid if v > 0] + middles)
        x = torch.from_numpy(START * float(grid[0]))[None]
        method = getattr(k, "sample_" + name)
        if name in ("dpm_fast", "dpm_adaptive"):
            result = method(model, x, float(grid[-2]), float(grid[0]), callback=watch, disable=True, **options)
        else:
            result = method(model, x, grid, callback=watch, disable=True, **options)
        extra = {}
        if isinstance(result, tuple):
            result, info = result
            extra["info"] = {key: int(value) for key, value in info.items()}
        about = {"sampler": name, **{key: v for key, v in options.items() if isinstance(v, (int, float, str, bool))},
                 **extra}
        if name == "dpm_adaptive":
            xs, at = [x.numpy()[0]], [float(grid[0])]
        end = float(grid[-2] if name in ("dpm_fast", "dpm_adaptive") else grid[-1])
        levels = [(1, s, -1) for s in at] + [(1, end, -1)]
        keep("kdiffusion", case, about, levels=levels, x=xs + [result.numpy()[0]], calls=calls)

    sampler("euler", "euler")
    FAMILIES["kdiffusion"][0].pop("euler/noise")  # drawn, but not used
    sampler("euler.churn", "euler", s_churn=1.5, s_tmin=0.05, s_tmax=15.0, s_noise=1.003)
    sampler("euler_ancestral", "euler_ancestral")
    sampler("euler_ancestral.eta", "euler_ancestral", eta=0.6, s_noise=0.9)
    sampler("heun", "heun")
    FAMILIES["kdiffusion"][0].pop("heun/noise")
    sampler("heun.churn", "heun", s_churn=1.5, s_tmin=0.05, s_tmax=15.0, s_noise=1.003)
    sampler("dpm_2", "dpm_2")
    FAMILIES["kdiffusion"][0].pop("dpm_2/noise")
    sampler("dpm_2.churn", "dpm_2", s_churn=1.5, s_tmin=0.05, s_tmax=15.0, s_noise=1.003)
    sampler("dpm_2_ancestral", "dpm_2_ancestral")
    sampler("dpm_2_ancestral.eta", "dpm_2_ancestral", eta=0.6, s_noise=0.9)
    for order in (1, 2, 3, 4):
        sampler(f"lms.{order}", "lms", order=order)
    sampler("dpmpp_2s_ancestral", "dpmpp_2s_ancestral")
    sampler("dpmpp_2s_ancestral.eta", "dpmpp_2s_ancestral", eta=0.6, s_noise=0.9)
    sampler("dpmpp_sde", "dpmpp_sde", brownian=True)
    sampler("dpmpp_sde.eta", "dpmpp_sde", brownian=True, eta=0.6, s_noise=0.9)
    sampler("dpmpp_2m", "dpmpp_2m")
    for form in ("midpoint", "heun"):
        sampler("dpmpp_2m_sde." + form, "dpmpp_2m_sde", brownian=True, solver_type=form)
    sampler("dpmpp_2m_sde.eta", "dpmpp_2m_sde", brownian=True, eta=0.6, s_noise=0.9)
    sampler("dpmpp_2m_sde.eta_0", "dpmpp_2m_sde", brownian=True, eta=0.0)
    sampler("dpmpp_3m_sde", "dpmpp_3m_sde", brownian=True)
    sampler("dpmpp_3m_sde.eta", "dpmpp_3m_sde", brownian=True, eta=0.6, s_noise=0.9)
    sampler("dpmpp_3m_sde.eta_0", "dpmpp_3m_sde", brownian=True, eta=0.0)
    for n in (6, 7, 8):
        sampler(f"dpm_fast.{n}", "dpm_fast", n=n)
        FAMILIES["kdiffusion"][0].pop(f"dpm_fast.{n}/noise", None)
    sampler("dpm_fast.eta", "dpm_fast", n=8, eta=0.6, s_noise=0.9)
    for order in (2, 3):
        sampler(f"dpm_adaptive.{order}", "dpm_adaptive", order=order, return_info=True, rtol=0.02, atol=0.005)
        FAMILIES["kdiffusion"][0].pop(f"dpm_adaptive.{order}/noise", None)
    NOISE = None
    for name, grid in (("karras", k.get_sigmas_karras(10, 0.002, 80.0)),
                       ("exponential", k.get_sigmas_exponential(10, 0.03, 14.6)),
                       ("polyexponential", k.get_sigmas_polyexponential(10, 0.03, 14.6, rho=1.7)),
                       ("vp", k.get_sigmas_vp(10))):
        keep("tables", "k." + name, {"function": "get_sigmas_" + name}, sigma=grid.numpy())


def tables():
    """Alpha-bar of the beta schedules at 21 indices, and sigma grids of ten steps."""
    global NOISE
    NOISE = None
    index = np.unique(np.concatenate([[0, 1, 2, 10, 998], np.linspace(0, 999, 17).round()])).astype(int)
    keep("tables", "index", {}, index=index)
    for schedule, options in (("linear", LINEAR), ("scaled_linear", SD),
                              ("squaredcos_cap_v2", dict(beta_schedule="squaredcos_cap_v2")),
                              ("sigmoid", dict(beta_schedule="sigmoid")),
                              ("laplace", dict(beta_schedule="laplace"))):
        s = load(MODULES["DDPM"])(**options)
        keep("tables", schedule, {"class": "DDPM", **options}, alpha_bar=s.alphas_cumprod.numpy()[index],
             beta=s.betas.numpy()[index])
    betas = sys.modules["diffusers.schedulers.scheduling_dpmsolver_multistep"].betas_for_alpha_bar
    for kind in ("exp", "laplace"):
        b = betas(1000, alpha_transform_type=kind).numpy()
        keep("tables", "alpha_bar_" + kind, {"function": "betas_for_alpha_bar", "alpha_transform_type": kind},
             alpha_bar=np.cumprod(1 - b)[index], beta=b[index])
    for name, options in (("linear", LINEAR), ("scaled_linear", SD)):
        s = load(MODULES["DDIM"])(rescale_betas_zero_snr=True, **options)
        keep("tables", "zero_snr." + name, {"class": "DDIM", "rescale_betas_zero_snr": True, **options},
             alpha_bar=s.alphas_cumprod.numpy()[index])
    for scale in (1.0, 3.0):
        s = load(MODULES["CogVideoXDDIM"])(snr_shift_scale=scale)
        keep("tables", f"snr_shift.{scale}", {"class": "CogVideoXDDIM", "snr_shift_scale": scale},
             alpha_bar=s.alphas_cumprod.numpy()[index])
    w = load(MODULES["DDPMWuerstchen"])
    t = np.linspace(0, 1, 11)
    for scaler in (1.0, 2.0):
        s = w(scaler=scaler)
        keep("tables", f"wuerstchen.{scaler}", {"class": "DDPMWuerstchen", "scaler": scaler}, t=t,
             alpha_bar=s._alpha_cumprod(torch.from_numpy(t), "cpu").numpy())
    for name, scheduler in (("ddim", "DDIM"), ("euler", "EulerDiscrete"), ("dpm", "DPMSolverMultistep"),
                            ("deis", "DEISMultistep"), ("pndm", "PNDM")):
        for spacing in ("linspace", "leading", "trailing"):
            s = load(MODULES[scheduler])(timestep_spacing=spacing, **SD)
            s.set_timesteps(10)
            keep("tables", f"grid.{name}.{spacing}", {"class": scheduler, "timestep_spacing": spacing},
                 timesteps=s.timesteps.numpy(), **({"sigma": s.sigmas.numpy()} if hasattr(s, "sigmas") else {}))
    for kind in ("karras", "exponential", "beta"):
        for name, scheduler in (("euler", "EulerDiscrete"), ("dpm", "DPMSolverMultistep")):
            s = load(MODULES[scheduler])(**{f"use_{kind}_sigmas": True}, **SD)
            s.set_timesteps(10)
            keep("tables", f"grid.{name}.{kind}", {"class": scheduler, "sigmas": kind}, sigma=s.sigmas.numpy(),
                 timesteps=s.timesteps.numpy())
    for name, options in (("lu", dict(use_lu_lambdas=True)), ("flow_3", dict(use_flow_sigmas=True, flow_shift=3.0,
                                                                             prediction_type="flow_prediction"))):
        s = load(MODULES["DPMSolverMultistep"])(**options, **SD)
        s.set_timesteps(10)
        keep("tables", f"grid.dpm.{name}", {"class": "DPMSolverMultistep", **options}, sigma=s.sigmas.numpy(),
             timesteps=s.timesteps.numpy())
    for kind in ("karras", "exponential"):
        s = load(MODULES["EDMEuler"])(sigma_schedule=kind)
        s.set_timesteps(10)
        keep("tables", "grid.edm." + kind, {"class": "EDMEuler"}, sigma=s.sigmas.numpy(),
             timesteps=s.timesteps.numpy())


# ---------------------------------------------------------------------------------------------------
def write(path, tensors, metadata):
    header, offset = {"__metadata__": metadata}, 0
    for name, value in sorted(tensors.items()):
        header[name] = {"dtype": "F64", "shape": list(value.shape), "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    head = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(head)) + head)
        for name in sorted(tensors):
            out.write(np.ascontiguousarray(tensors[name], dtype="<f8").tobytes())
    return os.path.getsize(path)


def main(folder):
    versions = {"torch": torch.__version__, "numpy": np.__version__, "diffusers": diffusers.__version__}
    import scipy

    versions["scipy"] = scipy.__version__
    import importlib.metadata

    versions["k-diffusion"] = importlib.metadata.version("k-diffusion")
    print(versions)
    with contextlib.suppress(ImportError):
        diffusers.utils.logging.set_verbosity_error()
    integer_timesteps()
    sigma_space()
    multistep()
    flows()
    tables()
    k_diffusion()
    total = 0
    for family, (tensors, cases) in FAMILIES.items():
        metadata = {"versions": json.dumps(versions),
                    "cases": json.dumps(cases, separators=(",", ":"), default=lambda v: type(v).__name__)}
        size = write(os.path.join(folder, family + ".safetensors"), tensors, metadata)
        total += size
        print(f"{family}: {len(cases)} cases, {size} bytes,",
              "not finite:", [c for c, about in cases.items() if "not_finite" in about])
    print("total", total)


if __name__ == "__main__":
    main(sys.argv[1])
