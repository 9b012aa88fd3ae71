#!/usr/bin/env python3
"""The PyTorch opponent of the GPU timings: the same networks in plain PyTorch. Not needed to run ChangeNet.

  peer.py check      compares its outputs, losses and gradients with golden files
  peer.py time       times whole training or inference steps, one line of JSON per case
  peer.py reference  writes inputs, weights and float32 results for a comparison on the same device

The networks are written as a PyTorch user would write them for speed: library attention, fused layer
norms, channels_last convolutions, both images of a pair in one backbone call, fused AdamW. Two pieces of
work that can't change a result are left out: class attention in FAN (no patch token reads it) and its
parameters' weight decay. Nothing else is rewritten.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import fnmatch
import gc
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import torch
from torch import Tensor, nn

import peer_formula as formula
from peer_layers import set_layout, set_stacked, set_stochastic
from peer_model import (
    BACKBONES,
    LOSS_WEIGHTS,
    ChangeNet,
    build,
    config_from_definition,
    config_of,
    losses,
    total_loss,
)

LIMIT = 1e-4
LAYOUTS = ("channels_last", "contiguous", "mixed")
PAIRINGS = ("stacked", "separate")
PRECISIONS = ("fp32", "tf32", "bf16", "fp16", "bf16-true")
COMPILE_MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
REGIONS = (
    "ConvNextBlock",
    "FanBlock",
    "VitBlock",
    "SpatialPrior",
    "Injector",
    "Extractor",
    "Decoder",
)
LEARNING_RATE, WEIGHT_DECAY = 1e-4, 0.01


def set_tf32(on: bool) -> None:
    """TensorFloat-32 products and convolutions on or off."""
    torch.backends.cuda.matmul.allow_tf32 = on
    torch.backends.cudnn.allow_tf32 = on


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """bf16 or fp16 where `precision` asks for it, else nothing."""
    types = {"bf16": torch.bfloat16, "fp16": torch.float16}
    if precision not in types:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=types[precision])


def compile_regions(model: nn.Module) -> None:
    """Compiles each repeated part of the network by itself; parts of one kind share the code."""
    torch._dynamo.config.recompile_limit = 64
    for module in model.modules():
        if type(module).__name__ in REGIONS:
            module.compile(dynamic=False)


def compiled(function: Callable[..., Any], execution: str) -> Callable[..., Any]:
    """The function itself, or compiled for `compile` and `compile-MODE`."""
    if not execution.startswith("compile") or execution == "compile-regions":
        return function
    if not hasattr(torch, "compile"):
        raise RuntimeError(f"torch.compile: absent in PyTorch {torch.__version__}, needs 2.0")
    mode = execution.partition("-")[2] or "default"
    return torch.compile(function, mode=mode, dynamic=False)


def make_adamw(model: nn.Module, device: torch.device, capturable: bool = False) -> torch.optim.AdamW:
    """AdamW, fused on a GPU."""
    options: dict[str, Any] = {"lr": LEARNING_RATE, "weight_decay": WEIGHT_DECAY}
    if device.type == "cuda":
        options.update(fused=True, capturable=capturable)
    return torch.optim.AdamW(model.parameters(), **options)


def device_name(device: torch.device) -> str:
    """The GPU's name, or cpu."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


# ---------------------------------------------------------------- time


@dataclass(frozen=True)
class Case:
    """One timing: what runs, on what, how."""

    backbone: str
    batch: int
    size: int
    mode: str
    precision: str
    execution: str
    layout: str = "channels_last"
    pairing: str = "stacked"

    @staticmethod
    def parse(text: str) -> Case:
        """Reads backbone:batch:size:mode:precision:execution[:layout[:pairing]]."""
        parts = text.split(":")
        if not 6 <= len(parts) <= 8:
            raise ValueError(f"case: found {text}, expected 6 to 8 parts between colons")
        case = Case(parts[0], int(parts[1]), int(parts[2]), *parts[3:])
        case.validate()
        return case

    def validate(self) -> None:
        """Raises ValueError for a value that is not one of the choices."""
        modes = (*COMPILE_MODES, "regions")
        executions = ("eager", "graph", "compile", *(f"compile-{m}" for m in modes))
        choices = {
            "backbone": BACKBONES,
            "mode": ("train", "infer"),
            "precision": PRECISIONS,
            "execution": executions,
            "layout": LAYOUTS,
            "pairing": PAIRINGS,
        }
        for field, allowed in choices.items():
            found = getattr(self, field)
            if found not in allowed:
                raise ValueError(f"{field}: found {found}, expected one of {', '.join(allowed)}")
        if self.mode == "train" and self.precision == "bf16-true":
            raise ValueError("precision: bf16-true is for infer, expected bf16 for train")
        if self.mode == "train" and self.precision == "fp16" and self.execution == "graph":
            raise ValueError("execution: graph can't have a loss scale, expected eager or compile")

    def __str__(self) -> str:
        return (
            f"{self.backbone}:{self.batch}:{self.size}:{self.mode}:{self.precision}:"
            f"{self.execution}:{self.layout}:{self.pairing}"
        )


def timed_model(case: Case, device: torch.device) -> ChangeNet:
    """The network of a case with random weights, on the device."""
    torch.manual_seed(1)
    config = config_of(case.backbone)
    model = build(config, (case.size, case.size), model_size=case.size)
    model = model.to(device).train(case.mode == "train")
    if case.precision == "bf16-true":
        model = model.to(torch.bfloat16)
    set_layout(model, case.layout)
    set_stacked(model, case.pairing == "stacked")
    if case.execution == "compile-regions":
        compile_regions(model)
    return model


def make_step(case: Case, device: torch.device, stochastic: bool) -> Callable[[], Any]:
    """One whole training or inference step on fixed random images."""
    model = timed_model(case, device)
    if not stochastic:
        set_stochastic(model, False)
    shape = (case.batch, 3, case.size, case.size)
    dtype = torch.bfloat16 if case.precision == "bf16-true" else torch.float32
    layout = torch.contiguous_format if case.layout == "contiguous" else torch.channels_last
    x1, x2 = (
        torch.randn(shape, device=device, dtype=dtype).contiguous(memory_format=layout)
        for _ in range(2)
    )
    if case.mode == "infer":
        return make_inference_step(case, device, model, x1, x2)
    label = torch.randint(0, 2, (case.batch, 1, case.size, case.size), device=device)
    return make_training_step(case, device, model, x1, x2, label.to(torch.uint8))


def make_inference_step(
    case: Case, device: torch.device, model: ChangeNet, x1: Tensor, x2: Tensor
) -> Callable[[], Any]:
    """A forward pass without gradients."""
    forward = compiled(model, case.execution)

    def step() -> list[Tensor]:
        with torch.inference_mode(), autocast(device, case.precision):
            return forward(x1, x2)

    return captured(step) if case.execution == "graph" else step


def make_training_step(
    case: Case, device: torch.device, model: ChangeNet, x1: Tensor, x2: Tensor, label: Tensor
) -> Callable[[], Any]:
    """Zeroed gradients, forward pass, losses, backward pass, optimizer step."""
    optimizer = make_adamw(model, device, capturable=case.execution == "graph")

    def objective(first: Tensor, second: Tensor, target: Tensor) -> Tensor:
        return total_loss(model(first, second), target)

    run = compiled(objective, case.execution)
    scaler = torch.amp.GradScaler(device.type) if case.precision == "fp16" else None

    def step() -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        with autocast(device, case.precision):
            loss = run(x1, x2, label)
        if scaler is None:
            loss.backward()
            optimizer.step()
        else:
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        return loss.detach()

    return captured(step) if case.execution == "graph" else step


def captured(step: Callable[[], Any]) -> Callable[[], Any]:
    """The step as one CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = step()

    def replay() -> Any:
        graph.replay()
        return result

    return replay


def synchronize(device: torch.device) -> None:
    """Waits for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure(step: Callable[[], Any], device: torch.device, seconds: float) -> list[float]:
    """Milliseconds of single steps run back to back for about `seconds`, after a warm-up."""
    start = time.perf_counter()
    step()
    synchronize(device)
    if time.perf_counter() - start < 1.0:
        for _ in range(4):
            step()
    synchronize(device)
    start = time.perf_counter()
    step()
    synchronize(device)
    rounds = min(1000, max(3, int(seconds / (time.perf_counter() - start))))
    if device.type != "cuda":
        return [clocked(step) for _ in range(rounds)]
    torch.cuda.reset_peak_memory_stats(device)
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(rounds + 1)]
    marks[0].record()
    for mark in marks[1:]:
        step()
        mark.record()
    torch.cuda.synchronize(device)
    return [a.elapsed_time(b) for a, b in zip(marks, marks[1:])]


def clocked(step: Callable[[], Any]) -> float:
    """Milliseconds of one step on the CPU."""
    start = time.perf_counter()
    step()
    return (time.perf_counter() - start) * 1e3


@contextlib.contextmanager
def turn(lock: Path | None) -> Iterator[None]:
    """Waits for the lock file; a file beside it says that this process is ready."""
    if lock is None:
        yield
        return
    with tempfile.NamedTemporaryFile(prefix=f"{lock.name}.ready.", dir=lock.parent):
        with lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def time_case(
    case: Case, device: torch.device, seconds: float, stochastic: bool, lock: Path | None
) -> dict[str, Any]:
    """Times one case.

    compile_s is the first step, compilation included. peak_bytes leaves out the private memory of CUDA
    graphs (execution graph, compile-reduce-overhead, compile-max-autotune): read reserved_bytes there.
    """
    set_tf32(case.precision != "fp32")
    torch.backends.cudnn.benchmark = True
    start = time.perf_counter()
    step = make_step(case, device, stochastic)
    synchronize(device)
    built = time.perf_counter()
    result = step()
    synchronize(device)
    first = time.perf_counter() - built
    tensors = result if isinstance(result, list) else [result]
    finite = all(bool(t.isfinite().all()) for t in tensors)
    del result, tensors
    if lock is not None and device.type == "cuda":
        torch.cuda.empty_cache()  # others compile while this process waits
    with turn(lock):
        samples = measure(step, device, seconds)
    median = statistics.median(samples)
    report = {
        "median_ms": round(median, 4),
        "min_ms": round(min(samples), 4),
        "rounds": len(samples),
        "pairs_per_s": round(case.batch * 1e3 / median, 2),
        "build_s": round(built - start, 2),
        "compile_s": round(first, 2),
        "finite": finite,
    }
    if device.type == "cuda":
        report["peak_bytes"] = torch.cuda.max_memory_allocated(device)
        report["reserved_bytes"] = torch.cuda.max_memory_reserved(device)
    if case.execution.startswith("compile"):
        report["graph_breaks"] = graph_breaks()
    return report


def graph_breaks() -> int:
    """How often the compiler fell back to Python."""
    from torch._dynamo.utils import counters

    return sum(counters["graph_break"].values())


def release(device: torch.device) -> None:
    """Gives a finished case's memory back."""
    if hasattr(torch, "_dynamo"):
        torch._dynamo.reset()
        from torch._dynamo.utils import counters

        counters.clear()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def case_texts(arguments: argparse.Namespace) -> list[str]:
    """The cases of the command line, as text."""
    texts = [part for text in arguments.case for part in text.split(",") if part]
    if texts:
        return texts
    execution = arguments.execution
    if arguments.compile:
        execution = f"compile-{arguments.compile_mode}"
    a = arguments
    return [
        f"{backbone}:{a.batch}:{a.size}:{a.mode}:{a.precision}:{execution}:{a.layout}:{a.pairing}"
        for backbone in a.backbone.split(",")
    ]


def run_time(arguments: argparse.Namespace) -> int:
    """Times every case; a failing one prints its error and does not stop the others."""
    device = torch.device(arguments.device)
    cases = [Case.parse(text) for text in case_texts(arguments)]
    begin, failed = time.monotonic(), 0
    common = {"device": device_name(device), "torch": torch.__version__}
    for case in cases:
        line: dict[str, Any] = {"case": str(case), **common}
        if arguments.deadline and time.monotonic() - begin > arguments.deadline:
            line["error"] = "skipped: deadline reached"
        else:
            try:
                a = arguments
                line.update(time_case(case, device, a.seconds, a.stochastic, a.turn))
            except Exception as error:  # reported in the line; the next case is independent
                line["error"] = f"{type(error).__name__}: {error}".splitlines()[0][:500]
            release(device)
        failed += "error" in line
        print(json.dumps(line), flush=True)
    return 1 if failed else 0


# ---------------------------------------------------------------- check


def golden_model(case: dict[str, Any], arguments: argparse.Namespace) -> ChangeNet:
    """The network of a golden case, filled by the formula, in eval mode."""
    definition = case.get("definition")
    config = config_from_definition(definition) if definition else config_of(case["backbone"])
    model = build(
        config,
        (case["height"], case["width"]),
        model_size=case["model_img_size"],
        summary=case["use_summary_token"],
        width=case["embed_dim"],
        classes=case["num_classes"],
    )
    formula.fill(model, case["weight_seed_prefix"])
    model = model.to(arguments.device).eval()
    set_layout(model, arguments.layout)
    set_stacked(model, arguments.pairing == "stacked")
    set_stochastic(model, False)
    return model


def golden_images(case: dict[str, Any], device: str) -> tuple[Tensor, Tensor]:
    """The two images of a golden case."""
    shape = (case["batch"], case["height"], case["width"])
    first, second = (formula.image(f"{case['image_seed']}/x{i}", *shape) for i in (1, 2))
    return first.to(device), second.to(device)


def golden_values(folder: Path, entry: dict[str, Any]) -> tuple[np.ndarray, int]:
    """Flattened values of a golden tensor and the stride between them."""
    if "file" in entry:
        return np.load(folder / entry["file"]).reshape(-1), 1
    return np.load(folder / entry["sample_file"]).reshape(-1), entry["sample_stride"]


def manifest_problems(model: nn.Module, golden: Path, case: dict[str, Any]) -> list[str]:
    """Differences between the state dictionary and the golden manifest, names and order included."""
    summary = ".summary" if case["use_summary_token"] and "radio" in case["backbone"] else ""
    path = golden / "manifests" / f"{case['backbone']}{summary}.manifest.json"
    if not path.is_file():
        return []
    manifest = json.loads(path.read_text())
    expected = {entry["name"]: entry for entry in manifest["state_dict"]}
    state = model.state_dict()
    if list(expected) != list(state):
        odd = sorted(set(expected) ^ set(state))
        return [f"names or their order differ: {odd[:5]}"]
    standard = case["embed_dim"] == 256 and case["num_classes"] == 2
    problems = []
    for name, tensor in state.items():
        entry = expected[name]
        size_bound = name == "backbone.pos_embed" or not standard
        if not size_bound and list(tensor.shape) != entry["shape"]:
            problems.append(f"{name}: shape {list(tensor.shape)}, expected {entry['shape']}")
        if standard and list(formula.rule(name, tuple(tensor.shape))) != entry["init"]:
            problems.append(f"{name}: rule {formula.rule(name, tensor.shape)}")
    return problems


def check_forward(golden: Path, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Largest error of maps and outputs, relative to each tensor's largest value."""
    case = json.loads((folder / "case.json").read_text())
    model = golden_model(case, arguments)
    problems = manifest_problems(model, golden, case)
    x1, x2 = golden_images(case, arguments.device)
    with torch.inference_mode(), autocast(x1.device, arguments.precision):
        maps1, maps2 = compiled(model.features, arguments.execution)(x1, x2)
        outputs = compiled(model, arguments.execution)(x1, x2)
    found = {f"feat.x1.{i}": x for i, x in enumerate(maps1)}
    found.update({f"feat.x2.{i}": x for i, x in enumerate(maps2)})
    found.update({f"out.{i}": x for i, x in enumerate(outputs)})
    worst = {"feat": 0.0, "out": 0.0}
    for name, x in found.items():
        entry = case["tensors"][name]
        expected, stride = golden_values(folder, entry)
        values = x.float().cpu().contiguous().flatten().numpy()[::stride]
        if list(x.shape) != entry["shape"] or values.shape != expected.shape:
            problems.append(f"{name}: shape {list(x.shape)}, expected {entry['shape']}")
            continue
        scale = max(abs(entry["min"]), abs(entry["max"]))
        error = float(np.abs(values - expected).max()) / scale
        kind = name.partition(".")[0]
        # A comparison that a NaN fails too.
        worst[kind] = error if not error <= worst[kind] else worst[kind]
    passed = not problems and worst["feat"] < arguments.limit and worst["out"] < arguments.limit
    return {
        "max_error_maps": worst["feat"],
        "max_error_outputs": worst["out"],
        "problems": problems,
        "passed": passed,
    }


def samples_of(x: Tensor, count: int) -> np.ndarray:
    """`count` elements at equal distances of the flattened tensor."""
    flat = x.detach().float().cpu().contiguous().flatten()
    k = min(count, flat.numel())
    return flat[[j * flat.numel() // k for j in range(k)]].double().numpy()


def check_gradients(model: nn.Module, golden: dict[str, Any]) -> tuple[float, str]:
    """Largest gradient error over the samples, relative to the parameter's largest gradient."""
    noise = golden["parameters_with_mathematically_zero_gradient_but_rounding_noise"]
    silent = golden["parameters_with_exactly_zero_gradient"] + golden["parameters_without_gradient"]
    worst, where = 0.0, ""
    for name, parameter in model.named_parameters():
        if name in noise or name in silent:
            if name in silent and parameter.grad is not None and bool(parameter.grad.any()):
                return float("inf"), name
            continue
        entry = golden["gradients"][name]
        expected = np.asarray(entry["samples"])
        if parameter.grad is None:
            return float("inf"), name
        error = np.abs(samples_of(parameter.grad, len(expected)) - expected).max()
        error = float(error) / max(entry["absmax"], 1e-30)
        if not error <= worst:
            worst, where = error, name
    return worst, where


def check_loss(path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Relative errors of loss and gradients in train mode; with AdamW, of the loss after each step."""
    case = json.loads(path.read_text())
    model = golden_model(case, arguments).train()
    device = torch.device(arguments.device)
    x1, x2 = golden_images(case, arguments.device)
    shape = (case["batch"], case["height"], case["width"])
    ignore = case.get("ignore_fraction", 0.0)
    label = formula.label(case["image_seed"], *shape, case["num_classes"], ignore).to(device)
    run = compiled(lambda a, b, t: total_loss(model(a, b), t), arguments.execution)
    if "losses_before_each_step_and_after_last" in case:
        expected = case["losses_before_each_step_and_after_last"]
        found = trained_losses(model, run, (x1, x2, label), len(expected) - 1, arguments.precision)
        error = max(abs(f - e) / abs(e) for f, e in zip(found, expected))
        return {"loss_error": error, "steps": len(expected) - 1, "passed": error < arguments.limit}
    with autocast(device, arguments.precision):
        loss = run(x1, x2, label)
    loss.backward()
    error = abs(loss.item() - case["total_loss"]) / abs(case["total_loss"])
    gradient, where = check_gradients(model, case)
    # Single gradient elements flip at the kinks of ReLU and bilinear sampling, in every float32 program.
    passed = error < arguments.limit and gradient < 100 * arguments.limit
    return {
        "loss_error": error,
        "gradient_error": gradient,
        "gradient_worst": where,
        "passed": passed,
    }


def trained_losses(
    model: nn.Module,
    run: Callable[..., Tensor],
    batch: tuple[Tensor, Tensor, Tensor],
    steps: int,
    precision: str,
) -> list[float]:
    """Loss before each AdamW step and after the last, on the same batch."""
    device = batch[0].device
    optimizer = make_adamw(model, device)
    found = []
    for step in range(steps + 1):
        optimizer.zero_grad(set_to_none=True)
        with autocast(device, precision):
            loss = run(*batch)
        found.append(loss.item())
        if step < steps:
            loss.backward()
            optimizer.step()
    return found


def golden_cases(golden: Path, arguments: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """The chosen forward and training cases under the golden folder."""
    names = [pattern for text in arguments.case for pattern in text.split(",") if pattern]
    models = sorted(path.parent for path in (golden / "models").glob("*/*/case.json"))
    trained = sorted((golden / "train").glob("*/ce_multiscale_*.json"))
    trained += sorted((golden / "train").glob("*/adamw_*.json"))
    for path in (*models, *trained):
        name = str(path.relative_to(golden))
        if not names or any(fnmatch.fnmatch(name, f"*{pattern}*") for pattern in names):
            yield name, path


def run_check(arguments: argparse.Namespace) -> int:
    """Compares with golden files, one line of JSON per case; 1 if one is off or none was found."""
    golden = Path(arguments.golden)
    set_tf32(arguments.precision != "fp32")
    torch.manual_seed(1)
    count = failed = 0
    for name, path in golden_cases(golden, arguments):
        if path.is_dir():
            report = check_forward(golden, path, arguments)
        else:
            report = check_loss(path, arguments)
        release(torch.device(arguments.device))
        count += 1
        failed += not report["passed"]
        print(json.dumps({"case": name, **report}), flush=True)
    device = device_name(torch.device(arguments.device))
    print(json.dumps({"cases": count, "failed": failed, "device": device, "torch": torch.__version__}))
    return 1 if failed or not count else 0


# ---------------------------------------------------------------- reference


def describe(x: Tensor) -> dict[str, Any]:
    """Shape and checksums of a tensor, sums in double."""
    d = x.detach().double()
    return {
        "shape": list(x.shape),
        "sum": d.sum().item(),
        "mean": d.mean().item(),
        "absmean": d.abs().mean().item(),
        "l2": d.norm().item(),
        "min": d.min().item(),
        "max": d.max().item(),
    }


def write_array(path: Path, x: Tensor) -> None:
    """Row-major .npy."""
    np.save(path, x.detach().cpu().contiguous().numpy())


def run_reference(arguments: argparse.Namespace) -> int:
    """Writes images, label, weights, case.json (outputs in eval mode) and train.json (losses, gradients)."""
    set_tf32(False)
    torch.manual_seed(1)
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    case = {
        "backbone": arguments.backbone,
        "weight_seed_prefix": "",
        "image_seed": "g1",
        "batch": arguments.batch,
        "height": arguments.size,
        "width": arguments.size,
        "model_img_size": arguments.size,
        "mode": "eval",
        "embed_dim": 256,
        "num_classes": 2,
        "use_summary_token": arguments.backbone == "vit_large_nvdinov2",
    }
    model = golden_model(case, arguments)
    if not arguments.no_weights:
        write_weights(out / "weights.pth", model)
    x1, x2 = golden_images(case, arguments.device)
    label = formula.label("g1", arguments.batch, arguments.size, arguments.size, 2)
    for name, x in (("x1", x1), ("x2", x2), ("label", label)):
        write_array(out / f"{name}.npy", x)
    origin = {"device": device_name(x1.device), "torch": torch.__version__, "precision": "fp32"}
    with torch.inference_mode():
        outputs = model(x1, x2)
    tensors = {}
    for index, x in enumerate(outputs):
        write_array(out / f"out_{index}.npy", x)
        tensors[f"out.{index}"] = {**describe(x), "file": f"out_{index}.npy"}
    write_json(out / "case.json", {**case, **origin, "tensors": tensors})
    trained = train_report(model, x1, x2, label.to(x1.device), arguments.steps)
    write_json(out / "train.json", {**case, **origin, **trained})
    print(json.dumps({"out": str(out), "total_loss": trained["total_loss"], **origin}))
    return 0


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Indented JSON."""
    path.write_text(json.dumps(content, indent=1) + "\n")


def write_weights(path: Path, model: nn.Module) -> None:
    """A checkpoint as ChangeNet reads it, names with `model.` in front."""
    state = {f"model.{k}": v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    checkpoint = {
        "epoch": 0,
        "global_step": 0,
        "pytorch-lightning_version": "2.2.0",
        "state_dict": state,
        "tao_model": "visual_changenet_segment",
    }
    torch.save(checkpoint, path)


def train_report(
    model: ChangeNet, x1: Tensor, x2: Tensor, label: Tensor, steps: int
) -> dict[str, Any]:
    """Losses, gradients and AdamW losses in train mode, without stochastic depth."""
    model.train()
    start = {k: v.clone() for k, v in model.state_dict().items()}
    parts = losses(model(x1, x2), label)
    total = torch.stack([w * part for w, part in zip(LOSS_WEIGHTS, parts)]).sum()
    total.backward()
    gradients = {
        name: {
            "l2": p.grad.double().norm().item(),
            "absmax": p.grad.abs().max().item(),
            "samples": samples_of(p.grad, 16).tolist(),
        }
        for name, p in model.named_parameters()
        if p.grad is not None
    }
    model.load_state_dict(start)  # the batch norms' running statistics too
    batch = (x1, x2, label)
    trace = trained_losses(
        model, lambda a, b, t: total_loss(model(a, b), t), batch, steps, "fp32"
    )
    return {
        "mode": "train, stochastic depth off, fixed position embedding",
        "weights": list(LOSS_WEIGHTS),
        "total_loss": total.item(),
        "component_losses_unweighted": [part.item() for part in parts],
        "optimizer": "adamw",
        "learning_rate": LEARNING_RATE,
        "weight_decay": WEIGHT_DECAY,
        "losses_before_each_step_and_after_last": trace,
        "sample_rule": "indices (j*numel)/K for j=0..K-1, integer division, K=min(16,numel)",
        "gradients": gradients,
    }


# ---------------------------------------------------------------- command line


def add_common(parser: argparse.ArgumentParser) -> None:
    """Options of every command."""
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--layout", choices=LAYOUTS, default="channels_last")
    parser.add_argument("--pairing", choices=PAIRINGS, default="stacked")


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="PyTorch opponent of ChangeNet's GPU timings")
    commands = parser.add_subparsers(dest="command", required=True)

    check = commands.add_parser("check", help="compare with golden files")
    add_common(check)
    check.add_argument("--golden", required=True, help="folder with models/, train/, manifests/")
    check.add_argument("--case", action="append", default=[], help="part of a case's path; default all")
    check.add_argument("--precision", choices=PRECISIONS[:3], default="fp32")
    check.add_argument("--execution", default="eager", help="eager, compile or compile-MODE")
    check.add_argument("--limit", type=float, default=LIMIT, help="allowed relative error")
    check.set_defaults(run=run_check)

    timing = commands.add_parser("time", help="time whole steps")
    add_common(timing)
    timing.add_argument(
        "--case",
        action="append",
        default=[],
        help="backbone:batch:size:mode:precision:execution[:layout[:pairing]], repeated or with commas",
    )
    timing.add_argument("--backbone", default="fan_small_12_p4_hybrid", help="names, with commas")
    timing.add_argument("--batch", type=int, default=16)
    timing.add_argument("--size", type=int, default=256)
    timing.add_argument("--mode", choices=("train", "infer"), default="train")
    timing.add_argument("--precision", choices=PRECISIONS, default="tf32")
    timing.add_argument("--execution", default="eager", help="eager, graph, compile, compile-MODE")
    timing.add_argument("--compile", action="store_true")
    timing.add_argument("--compile-mode", choices=COMPILE_MODES, default="default")
    timing.add_argument("--seconds", type=float, default=3.0, help="timed part of each case")
    timing.add_argument(
        "--turn",
        type=Path,
        metavar="FILE",
        help="lock file: several processes compile at the same time and are timed in turns",
    )
    timing.add_argument("--deadline", type=float, default=0.0, help="start no case after so many seconds")
    timing.add_argument(
        "--no-stochastic",
        dest="stochastic",
        action="store_false",
        help="train without stochastic depth and random position crops",
    )
    timing.set_defaults(run=run_time)

    reference = commands.add_parser("reference", help="write float32 results of this device")
    add_common(reference)
    reference.add_argument("--backbone", choices=BACKBONES, required=True)
    reference.add_argument("--size", type=int, default=256)
    reference.add_argument("--batch", type=int, default=2)
    reference.add_argument("--steps", type=int, default=3, help="AdamW steps of the loss trace")
    reference.add_argument("--out", required=True)
    reference.add_argument("--no-weights", action="store_true", help="leave weights.pth out")
    reference.set_defaults(run=run_reference)
    return parser.parse_args(argv)


def main() -> int:
    """Runs one command."""
    arguments = parse_arguments(sys.argv[1:])
    try:
        return arguments.run(arguments)
    except (ValueError, OSError) as error:
        print(f"peer: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
