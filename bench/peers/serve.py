#!/usr/bin/env python3
"""One contender of compare.py: answers the requests of bench/measure.cpp with a Python library.

  echo "time forward unet1d 16 0.1" | python3 bench/peers/serve.py eager 1

Contenders: eager (PyTorch), optimised (frozen TorchScript in PyTorch 1, torch.compile in 2), ort (ONNX Runtime), openvino and
openvino_bf16. A call through Python costs microseconds, so where a net takes no longer, all but eager time a graph that
applies it many times, and divide. PyTorch prepares a work at each setting of its float32 products (PRECISIONS) and
keeps the fastest of those that compute in single precision, which is told by what they err, not by their names.
"""
import copy
import gc
import io
import os
import sys
import time
from typing import Callable, List, NamedTuple, Optional

CORES = sorted(os.sched_getaffinity(0))  # before OpenMP binds this thread to one

try:
    import torch
    import torch.nn.functional as F

    import models
except ImportError as error:
    print(f"missing {error}", flush=True)
    sys.exit()

CHAIN = {"mlp2d": 20}
PRECISIONS = ["highest", "high", "medium"]  # of torch.set_float32_matmul_precision
SINGLE = 1e-5  # a larger error, relative to the largest value, is that of shorter numbers


class Work(NamedTuple):
    call: Callable[[], object]
    units: int = 1  # how many units of work a call does
    error: Optional[Callable[[], float]] = None  # of what a call computes
    setting: str = "-"


def distance(found: List[torch.Tensor], exact: List[torch.Tensor]) -> float:
    """The largest difference, relative to the largest value of `exact`; infinite where one is not a number."""
    differences = [float((a.detach().double() - b.detach()).abs().max()) for a, b in zip(found, exact)]
    if any(d != d for d in differences):
        return float("inf")
    return max(differences) / max(float(b.abs().max()) for b in exact)


def in_double(net: torch.nn.Module) -> torch.nn.Module:
    """The net in double behind its time embedding's sinusoids, which are a function of float32 numbers in all contenders: what
    their rounding does is no error of products."""
    return copy.deepcopy(net).double()


def output_error(call: Callable, exact: Callable[[], torch.Tensor]) -> Callable[[], float]:
    """How far what call() gives is from exact(), which is evaluated once."""
    kept: List[torch.Tensor] = []

    def error() -> float:
        with torch.no_grad():
            kept or kept.append(exact())
            return distance([call()], kept)
    return error


class Chained(torch.nn.Module):
    """x -> a x + b net(x, t[i]) for all (a, b) in turn, as one graph. Every application has times t[i] [B] of its own:
    were they one tensor, an optimiser would embed them once for all."""

    def __init__(self, net: torch.nn.Module, factors):
        super().__init__()
        self.net, self.factors = net, factors

    def forward(self, x, t):
        for i, (a, b) in enumerate(self.factors):
            x = a * x + b * self.net(x, t[i])
        return x


def chained(model: str, batch: int):
    """(net, x, t, applications of the net in one call)"""
    times = CHAIN.get(model, 1)
    net, (x, t) = models.make(model).eval(), inputs(model, batch)
    return (net, x, t, 1) if times == 1 else (Chained(net, [(0.9, 0.1)] * times).eval(), x, t.repeat(times, 1), times)


def ddim_coefficients(steps: int):
    """(t, a, b) of each step x <- a x + b eps, on the linear schedule of 1000 steps"""
    alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)
    at = [i * (1000 // steps) for i in reversed(range(steps))]
    now = [float(alpha_bar[i]) for i in at]
    found = []
    for t, n, p in zip(at, now, now[1:] + [1.0]):
        scale = (p / n) ** 0.5
        found.append((t, scale, (1 - p) ** 0.5 - scale * (1 - n) ** 0.5))
    return found


def exact_forward(net, x, t) -> Callable[[], torch.Tensor]:
    return lambda: in_double(net)(x.double(), t)


def exact_ddim(model: str, x, t, steps: int) -> Callable[[], torch.Tensor]:
    def run():
        net, y = in_double(models.make(model).eval()), x.double()
        for at, a, b in ddim_coefficients(steps):
            y = a * y + b * net(y, torch.full_like(t, at))
        return y
    return run


def inputs(model: str, batch: int):
    torch.manual_seed(1)
    t = (17 + 37 * torch.arange(batch)) % 1000
    return torch.randn(batch, *models.SHAPES[model]), t


def optimizer_of(parameters: list):
    try:
        return torch.optim.Adam(parameters, lr=1e-4, fused=True)
    except (TypeError, RuntimeError):  # PyTorch 1: not there, or not for CPUs
        return torch.optim.Adam(parameters, lr=1e-4)


def blas() -> str:
    """The BLAS that PyTorch computes with; the reference BLAS is ten times slower than others."""
    if torch.backends.mkl.is_available():
        return "MKL"
    with open("/proc/self/maps") as maps:
        files = {os.path.basename(line.split()[-1]) for line in maps if "numpy" not in line}
    return ", ".join(sorted(f for f in files if "openblas" in f or "blis" in f)) or "reference BLAS"


class Eager:
    kind = "eager"
    settings = PRECISIONS if hasattr(torch, "compile") else ["-"]  # without an effect on CPUs in PyTorch 1

    def __init__(self, threads: int):
        torch.set_num_threads(threads)
        torch.set_flush_denormal(True)

    def about(self) -> str:
        return f"PyTorch {torch.__version__.split('+')[0]} {self.kind}; {blas()}"

    def use(self, setting: str) -> None:
        if setting != "-":
            torch.set_float32_matmul_precision(setting)

    def prepare(self, net, x, t):
        """The net as it is called again and again."""
        return net

    def forward(self, model: str, batch: int) -> Work:
        net, (x, t) = models.make(model).eval(), inputs(model, batch)

        def call():
            with torch.inference_mode():
                return net(x, t)
        return Work(call, 1, output_error(call, exact_forward(net, x, t)))

    def ddim(self, model: str, batch: int, steps: int) -> Work:
        x, t = inputs(model, batch)
        coefficients = [(torch.full_like(t, at), a, b) for at, a, b in ddim_coefficients(steps)]
        with torch.no_grad():
            net = self.prepare(models.make(model).eval(), x, t)

        def call():
            with torch.no_grad():
                y = x
                for at, a, b in coefficients:
                    y = torch.add(y * a, net(y, at), alpha=b)
                return y
        return Work(call, 1, output_error(call, exact_ddim(model, x, t, steps)))

    def train(self, model: str, batch: int) -> Work:
        net, (x, t) = models.make(model).train(), inputs(model, batch)
        start = copy.deepcopy(net)
        optimizer, eps = optimizer_of(list(net.parameters())), torch.randn_like(x)
        fast = self.prepare_training(net)

        def gradients():
            optimizer.zero_grad(set_to_none=True)
            F.mse_loss(fast(x, t), eps).backward()

        def call():
            gradients()
            optimizer.step()

        def error() -> float:
            net.load_state_dict(start.state_dict())
            gradients()
            exact = in_double(start)
            F.mse_loss(exact(x.double(), t), eps.double()).backward()
            return distance([p.grad for p in net.parameters()], [p.grad for p in exact.parameters()])
        return Work(call, 1, error)

    fit = train  # foglift's is by shards of the batch

    def prepare_training(self, net):
        return net

    def normals(self, count: int) -> Work:
        out = torch.empty(count)
        return Work(out.normal_)

    def adam(self, count: int) -> Work:
        return Work(self.adam_of(count)[0])

    def adam_of(self, count: int):
        weights = [torch.nn.Parameter(torch.randn(count // 16)) for _ in range(16)]
        for w in weights:
            w.grad = torch.randn_like(w)
        return optimizer_of(weights).step, weights

    def adam_ema(self, count: int) -> Work:
        step, weights = self.adam_of(count)
        averages = [w.detach().clone() for w in weights]

        @torch.no_grad()
        def call():
            step()
            torch._foreach_mul_(averages, 0.999)
            torch._foreach_add_(averages, weights, alpha=0.001)
        return Work(call)


class Optimised(Eager):
    kind = "compiled" if hasattr(torch, "compile") else "frozen"

    def use(self, setting: str) -> None:
        super().use(setting)
        if hasattr(torch, "compile"):
            torch._dynamo.reset()  # what was compiled at another setting is compiled anew

    def prepare(self, net, x, t):
        if hasattr(torch, "compile"):
            from torch._inductor import config

            config.freezing = True  # weights are packed once
            return torch.compile(net)
        fast = torch.jit.freeze(torch.jit.trace(net, (x, t), check_trace=False))
        for _ in range(3):  # the first calls profile and optimise
            fast(x, t)
        return fast

    def prepare_training(self, net):
        if not hasattr(torch, "compile"):
            raise NotImplementedError("frozen TorchScript does not train")
        return torch.compile(net)

    def forward(self, model: str, batch: int) -> Work:
        plain, x, t, times = chained(model, batch)
        with torch.no_grad():
            net = self.prepare(plain, x, t)

        def call():
            with torch.no_grad():
                return net(x, t)
        return Work(call, times, output_error(call, exact_forward(plain, x, t)))

    def normals(self, count: int) -> Work:
        raise NotImplementedError("as eager")

    adam = adam_ema = normals


class Graph:
    """A library that runs ONNX files: `session` alone is its own."""
    settings = ["-"]
    name = ""

    def train(self, *_):
        raise NotImplementedError(f"{self.name} does not train")

    fit = normals = adam = adam_ema = train

    def use(self, setting: str) -> None:
        pass

    def session(self, file: bytes, arrays):
        """run(): maps the arrays x and t to the array y, all three bound once."""
        raise NotImplementedError

    def export(self, net, x, t):
        """(run, arrays)"""
        import numpy as np

        file = io.BytesIO()
        legacy = {"dynamo": False} if int(torch.__version__.split(".")[0]) >= 2 else {}
        torch.onnx.export(net.eval(), (x, t), file, input_names=["x", "t"], output_names=["y"], opset_version=17, **legacy)
        with torch.no_grad():
            shape = tuple(net(x, t).shape)
        kind = np.float32 if t.is_floating_point() else np.int64
        arrays = {"x": np.array(x.tolist(), np.float32), "t": np.array(t.tolist(), kind), "y": np.zeros(shape, np.float32)}
        self.bound = arrays  # what is bound must live
        return self.session(file.getvalue(), arrays), arrays

    def forward(self, model: str, batch: int) -> Work:
        net, x, t, times = chained(model, batch)
        run, arrays = self.export(net, x, t)
        return Work(run, times, self.error(run, arrays["y"], exact_forward(net, x, t)))

    @staticmethod
    def error(run, y, exact) -> Callable[[], float]:
        return output_error(lambda: (run(), torch.tensor(y.tolist()))[1], exact)

    def ddim(self, model: str, batch: int, steps: int) -> Work:
        x, t = inputs(model, batch)
        exact = exact_ddim(model, x, t, steps)
        if model in CHAIN:  # so small that the loop belongs into the graph
            loop = Chained(models.make(model), [(a, b) for _, a, b in ddim_coefficients(steps)])
            at = torch.stack([torch.full_like(t, at) for at, _, _ in ddim_coefficients(steps)])
            run, arrays = self.export(loop, x, at)
            return Work(run, 1, self.error(run, arrays["y"], exact))
        run, arrays = self.export(models.make(model), x, t)
        state, start, eps = arrays["x"], arrays["x"].copy(), arrays["y"]

        def call():
            state[...] = start
            for at, a, b in ddim_coefficients(steps):
                arrays["t"][...] = at
                run()
                state[...] = a * state + b * eps
        return Work(call, 1, self.error(call, state, exact))


class Ort(Graph):
    name = "ONNX Runtime"

    def __init__(self, threads: int):
        import onnx  # noqa: F401  torch.onnx needs it
        import onnxruntime

        self.ort, self.threads = onnxruntime, threads

    def about(self) -> str:
        return f"ONNX Runtime {self.ort.__version__}; exported by PyTorch {torch.__version__.split('+')[0]}"

    def session(self, file, arrays):
        options = self.ort.SessionOptions()
        options.graph_optimization_level = self.ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        options.log_severity_level = 3
        if self.threads > 1:  # as OpenMP's threads, one a core
            others = ";".join(str(core + 1) for core in CORES[1:self.threads])
            options.add_session_config_entry("session.intra_op_thread_affinities", others)
            os.sched_setaffinity(0, CORES[:1])
        session = self.ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        binding = session.io_binding()
        for name, a in arrays.items():
            bind = binding.bind_output if name == "y" else binding.bind_input
            bind(name, "cpu", 0, a.dtype.type, a.shape, a.ctypes.data)
        return lambda: session.run_with_iobinding(binding)


class OpenVino(Graph):
    name, hint = "OpenVINO", "f32"

    def __init__(self, threads: int):
        import onnx  # noqa: F401  torch.onnx needs it
        import openvino

        self.openvino, self.core, self.threads = openvino, openvino.Core(), threads

    def about(self) -> str:
        kind = "bf16" if self.hint == "bf16" else "fp32"
        version = self.openvino.__version__.split("-")[0]
        return f"OpenVINO {version} {kind}; exported by PyTorch {torch.__version__.split('+')[0]}"

    def session(self, file, arrays):
        compiled = self.core.compile_model(self.core.read_model(file), "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": self.threads,
            "INFERENCE_PRECISION_HINT": self.hint, "CPU_DENORMALS_OPTIMIZATION": True})
        request = compiled.create_infer_request()
        for name, a in arrays.items():
            request.set_tensor(name, self.openvino.Tensor(a, shared_memory=True))
        return request.infer


class OpenVinoBf16(OpenVino):
    hint = "bf16"

    def __init__(self, threads: int):
        super().__init__(threads)
        if "BF16" not in self.core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise ImportError("bf16 instructions of this CPU in OpenVINO")


def make_at(contender, setting: str, work: str, model: str, size: int) -> Work:
    contender.use(setting)
    if work in ("normals", "adam", "adam_ema"):
        return getattr(contender, work)(size)
    if work == "shared_t":  # no peer computes less where times are equal
        work = "forward"
    if work in ("ddim50", "sample"):
        return contender.ddim(model, size, 50 if work == "ddim50" else 3)
    return getattr(contender, work)(model, size)


def make(contender, *asked) -> Work:
    """At the fastest setting that computes in single precision, or the first where all are the same."""
    settings = contender.settings if asked[0] not in ("normals", "adam", "adam_ema", "sample") else ["-"]
    if len(settings) == 1:
        return make_at(contender, settings[0], *asked)
    best = ""
    fastest = float("inf")
    for setting in settings:
        work = make_at(contender, setting, *asked)
        work.call()
        if setting != settings[0] and work.error() > SINGLE:
            continue
        seconds = min(time_of(work, 0.02) for _ in range(5))
        if seconds < 0.97 * fastest:  # less is noise, for which nothing is changed
            best, fastest = setting, seconds
        del work
        gc.collect()
    return make_at(contender, best, *asked)._replace(setting=best)


def time_of(work: Work, seconds: float) -> float:
    """nanoseconds of one unit of work"""
    start, calls = time.perf_counter(), 0
    while True:
        work.call()
        calls += 1
        passed = time.perf_counter() - start
        if passed >= seconds:
            return 1e9 * passed / (calls * work.units)


CONTENDERS = {"eager": Eager, "optimised": Optimised, "ort": Ort, "openvino": OpenVino, "openvino_bf16": OpenVinoBf16}


def status(key: str) -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key + ":"))


def memory_of(contender, work: str, model: str, size: int) -> str:
    make_at(contender, "-", work, "mlp2d", 1).call()  # what the first call of all loads is no part of the answer
    call = make_at(contender, "-", work, model, size).call
    before = status("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts anew
    for _ in range(5):
        call()
    peak = status("VmHWM")
    return f"{peak - before} {peak}"


def main() -> None:
    name, threads = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # libraries print warnings
    try:
        contender = CONTENDERS[name](threads)
    except ImportError as error:
        print(f"missing {error}", file=answers)
        return
    print("ready", contender.about(), file=answers)
    current, work = None, None
    for line in sys.stdin:
        what, kind, model, size, *seconds = line.split()
        try:
            if what == "memory":
                print(memory_of(contender, kind, model, int(size)), file=answers)
                continue
            if (kind, model, size) != current:
                current, work = (kind, model, size), None
                work = make(contender, kind, model, int(size))
                work.call()
            if work is None:
                raise NotImplementedError("failed before")
            if what == "error":  # and the setting that it was found at
                if work.error is None:
                    raise NotImplementedError("no error of this work")
                print(work.error(), work.setting, file=answers)
            else:
                print(time_of(work, float(seconds[0])), file=answers)
        except Exception as error:  # the next request may be for something else
            print(f"! {type(error).__name__}: {error}".replace("\n", " ")[:300], file=answers)


if __name__ == "__main__":
    main()
