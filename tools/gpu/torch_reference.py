"""The same graphs in PyTorch on the same card: torch_reference.py FAMILY OUT [PART...]: milliseconds and memory."""

import copy
import json
import sys
import time

import torch
from real_size_models import build, example, parts

MODES = ("fp32", "tf32", "fp16", "fp16-graph")


def main() -> None:
    name, out, *wanted = sys.argv[1:]
    model = build(name)
    results = {"card": torch.cuda.get_device_name(), "torch": torch.__version__}
    results["parameters"] = sum(p.numel() for p in model.parameters())
    for part, (module, inputs, _) in parts(name, model, wanted).items():
        for mode in MODES:
            try:
                results[f"{part} {mode}"] = measure(module, inputs, mode)
            except Exception as error:  # one mode that fails leaves the others their figures
                results[f"{part} {mode}"] = {"error": repr(error)[:300]}
            json.dump(results, open(out, "w"), indent=1)
    print(json.dumps(results), flush=True)


@torch.inference_mode()
def measure(module, inputs, mode: str) -> dict:
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = mode == "tf32"
    dtype = torch.float16 if mode.startswith("fp16") else torch.float32
    module = copy.deepcopy(module).to("cuda").to(dtype)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    args = example(inputs, dtype, "cuda")
    torch.cuda.synchronize()
    start = time.perf_counter()
    module(*args)
    torch.cuda.synchronize()
    facts = {"firstMs": round((time.perf_counter() - start) * 1e3, 1)}
    run = lambda: module(*args)
    if mode.endswith("graph"):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                module(*args)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            module(*args)
        run = graph.replay
    for _ in range(4):
        run()
    torch.cuda.synchronize()
    times = []
    for _ in range(30):
        start = time.perf_counter()
        run()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) * 1e3)
    times.sort()
    facts |= {"p50": round(times[15], 2), "p95": round(times[28], 2)}
    if not mode.endswith("graph"):
        times = []
        for _ in range(10):
            start = time.perf_counter()
            result = module(*[a.cuda() for a in example_on_host(args)])
            [r.cpu() for r in (result if isinstance(result, tuple) else (result,))]
            times.append((time.perf_counter() - start) * 1e3)
        facts["withCopiesP50"] = round(sorted(times)[5], 2)
    facts["allocatedMb"] = round(torch.cuda.max_memory_allocated() / 2**20)
    facts["reservedMb"] = round(torch.cuda.max_memory_reserved() / 2**20)
    return facts


def example_on_host(args):
    if not hasattr(example_on_host, "kept") or example_on_host.key is not args:
        example_on_host.kept, example_on_host.key = [a.cpu() for a in args], args
    return example_on_host.kept


if __name__ == "__main__":
    main()
