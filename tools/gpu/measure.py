"""Runs every measurement of docs/gpu.md in one go, most wanted first, until a deadline: measure.py HOME OUT SECONDS

HOME holds node, runtime/ (onnxruntime-node with the CUDA provider beside it), compiled/ (maskstream's
compiled sources), models/ (the embedded model), schedules.json and graphs/ (export_real_size.py, may still
be writing: a graph is waited for until FAMILY-PRECISION.done is there). Each graph runs in a process of its own. Every
result is appended to OUT/results.jsonl as it comes.
"""

import collections
import glob
import json
import os
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
HOME, OUT, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3])
PROVIDER = os.environ.get("MEASURE_PROVIDER", "cuda")
FAMILIES = os.environ.get("MEASURE_FAMILIES", "sam2.1-tiny,sam3,edgetam").split(",")
RUNS = int(os.environ.get("MEASURE_RUNS", "30"))
START = time.time()
GRAPHS = f"{HOME}/graphs"

try:
    import pynvml

    pynvml.nvmlInit()
    CARD = pynvml.nvmlDeviceGetHandleByIndex(0)
except Exception:
    CARD = None


def left() -> float:
    return SECONDS - (time.time() - START)


def used_mb() -> float:
    return pynvml.nvmlDeviceGetMemoryInfo(CARD).used / 2**20 if CARD else 0.0


class CardMemory:
    """Peak of the card's memory while a block runs, every 4 ms."""

    def __enter__(self):
        self.base = self.peak = used_mb()
        self.done = False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.done:
            self.peak = max(self.peak, used_mb())
            time.sleep(0.004)

    def __exit__(self, *_):
        self.done = True
        self.thread.join()


def record(facts: dict) -> dict:
    facts["at"] = round(time.time() - START, 1)
    with open(f"{OUT}/results.jsonl", "a") as file:
        file.write(json.dumps(facts) + "\n")
    print(json.dumps(facts)[:420], flush=True)
    return facts


def node(script: str, config: dict, timeout: float = 100) -> dict:
    config = {"runtime": f"{HOME}/runtime", **config}
    if left() < 8:
        return {}
    with CardMemory() as memory:
        try:
            done = subprocess.run(
                [f"{HOME}/node", f"{HERE}/{script}", json.dumps(config)],
                capture_output=True,
                text=True,
                timeout=min(timeout, max(5, left())),
            )
            lines = [x for x in done.stdout.splitlines() if x.startswith("@@")]
            facts = json.loads(lines[-1][2:]) if lines else {"error": f"exit {done.returncode}"}
            if "error" in facts or not lines:
                facts["stderr"] = done.stderr[-300:]
        except subprocess.TimeoutExpired:
            facts = {"error": "timeout"}
    facts |= {"id": config["id"], "cardMb": round(memory.peak - memory.base)}
    profile = (config.get("options") or {}).get("profileFilePrefix")
    if profile:
        facts["nodesByProvider"] = nodes_by_provider(profile)
    return record(facts)


def nodes_by_provider(prefix: str) -> dict:
    files = sorted(glob.glob(prefix + "*"))
    if not files:
        return {}
    counts = collections.Counter()
    for event in json.load(open(files[-1])):
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            counts[event["args"].get("provider", "?")] += 1
    os.remove(files[-1])
    return dict(counts)


def graph(family: str, part: str, variant: str) -> str | None:
    path = f"{GRAPHS}/{family}-{part}-{variant}.onnx"
    return path if os.path.exists(path) else None


def wait_for(family: str, precision: str) -> bool:
    while not os.path.exists(f"{GRAPHS}/{family}-{precision}.done"):
        if left() < 60:
            return False
        time.sleep(0.5)
    return True


def time_one(family: str, part: str, variant: str, label: str = "", **config) -> dict:
    path = graph(family, part, variant)
    if path is None:
        return record({"id": f"{family} {part} {variant}", "error": "no graph"})
    config = {"runs": RUNS, "providers": [PROVIDER], "model": path, **config}
    return node("time-graph.cjs", {"id": f"{family} {part} {variant}{label}", **config})


def relative_error(family: str) -> None:
    """First output of each fp16 encoder against the fp32 one, same input."""
    import numpy as np

    if not os.path.exists(f"/tmp/{family}-fp32.bin"):
        return
    ref = np.fromfile(f"/tmp/{family}-fp32.bin", np.float32)
    for variant, kind in (("fp16", np.float32), ("fp16-h", np.float16)):
        try:
            got = np.fromfile(f"/tmp/{family}-{variant}.bin", kind).astype(np.float32)
            error = float(np.linalg.norm(got - ref) / np.linalg.norm(ref))
            record({"id": f"{family} encoder {variant} against fp32", "relativeL2": error})
        except Exception as problem:
            record({"id": f"{family} encoder {variant} against fp32", "error": repr(problem)})


def drop_from_page_cache(pattern: str) -> None:
    for path in glob.glob(pattern):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def family_graphs(family: str) -> None:
    for variant in ("fp32", "fp16", "fp16-h", "fp16-u8h"):
        time_one(family, "encoder", variant, dump=f"/tmp/{family}-{variant}.bin")
    relative_error(family)
    time_one(family, "encoder", "fp16-u8h", ", outputs kept", keep=True, runs=20)
    saved = f"/tmp/{family}-saved.onnx"
    time_one(family, "encoder", "fp16-u8h", ", saving", runs=1, warm=0, options={"optimizedModelFilePath": saved, "graphOptimizationLevel": "all"})
    if os.path.exists(saved):
        for data in glob.glob(f"{GRAPHS}/{family}-encoder-*.data"):  # the saved graph names it beside itself
            if not os.path.exists(f"/tmp/{os.path.basename(data)}"):
                os.symlink(data, f"/tmp/{os.path.basename(data)}")
        config = {"id": f"{family} encoder fp16-u8h, saved graph", "model": saved, "providers": [PROVIDER], "runs": 10}
        node("time-graph.cjs", {**config, "options": {"graphOptimizationLevel": "disabled"}})
    drop_from_page_cache(f"{GRAPHS}/{family}-encoder-*")
    time_one(family, "encoder", "fp32", ", not in page cache", runs=3, warm=0)
    drop_from_page_cache(f"{GRAPHS}/{family}-encoder-*")
    time_one(family, "encoder", "fp16-u8h", ", not in page cache", runs=3, warm=0)
    time_one(family, "encoder", "fp16-u8h", ", profiled", runs=3, options={"enableProfiling": True, "profileFilePrefix": f"/tmp/profile-{family}"})
    for part in ("attention", "decoder", "memory"):
        for variant in ("fp32", "fp16"):
            time_one(family, part, variant)


def replay(family: str, policy: str, **config) -> None:
    schedules = json.load(open(f"{HOME}/schedules.json"))
    for clip, schedule in schedules.items():
        graphs = {p: graph(family, p, "fp16-u8h" if p == "encoder" else "fp16") for p in ("encoder", "attention", "decoder", "memory")}
        if None in graphs.values():
            record({"id": f"{family} replay", "error": f"missing graphs {graphs}"})
            return
        base = {"graphs": graphs, "refiner": f"{HOME}/models/refiner-int8.onnx", "compiled": f"{HOME}/compiled"}
        base |= {"schedule": schedule["keyframes"], "objects": schedule["objects"], "policy": policy, "providers": [PROVIDER]}
        node("replay-schedule.mjs", {**base, "id": f"{family} clip {clip} {policy}", **config}, timeout=120)


def together(family: str, count: int) -> None:
    """The same encoder in several processes at once: pictures a second of the card."""
    path = graph(family, "encoder", "fp16-u8h")
    if path is None or left() < 25:
        return
    config = {"runtime": f"{HOME}/runtime", "id": "x", "model": path, "providers": [PROVIDER], "runs": 100000, "maxMs": 6000, "warm": 20}
    command = [f"{HOME}/node", f"{HERE}/time-graph.cjs", json.dumps(config)]
    with CardMemory() as memory:
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for _ in range(count)]
        lines = [r.communicate(timeout=60)[0] for r in running]
    facts = [json.loads(x.split("@@")[1]) for x in lines if "@@" in x]
    rate = sum(1000 / f["p50"] for f in facts if "p50" in f)
    record({"id": f"{family} encoder, {count} processes", "p50s": [f.get("p50") for f in facts], "picturesPerSecond": round(rate, 1), "cardMb": round(memory.peak - memory.base)})


def wait_for_torch(family: str) -> None:
    """torch_reference.py runs before any graph does, while graphs are still being exported."""
    while not os.path.exists(f"{HOME}/torch/{family}.done") and left() > SECONDS - 150:
        time.sleep(0.5)


def tiny() -> None:
    config = {"id": "maskstream-tiny encoder", "model": f"{HOME}/models/encoder.onnx", "runs": RUNS}
    node("time-graph.cjs", {**config, "providers": [PROVIDER]})
    whole = {"providers": ["cpu"], "threads": 8}
    node("time-graph.cjs", {**config, "id": "maskstream-tiny encoder, cpu, 8 threads", **whole})
    small = {"id": "maskstream-tiny encoder-int8, cpu, 8 threads", "model": f"{HOME}/models/encoder-int8.onnx"}
    node("time-graph.cjs", {**config, **small, **whole})
    if PROVIDER == "cuda":
        config = {"id": "tensorrt, asked for where it is absent", "model": f"{HOME}/models/encoder.onnx", "providers": ["tensorrt"], "runs": 1}
        node("time-graph.cjs", config)


def on_cpu(family: str, runs: int) -> None:
    if left() < 30:
        return
    for part in ("encoder", "attention", "decoder", "memory"):
        time_one(family, part, "fp32", ", cpu", providers=["cpu"], threads=os.cpu_count() // 2, runs=runs, warm=1, maxMs=60000)


def main() -> None:
    os.makedirs(OUT, exist_ok=True)
    card = pynvml.nvmlDeviceGetName(CARD) if CARD else "none"
    record({"id": "machine", "card": str(card), "cores": os.cpu_count()})
    for family in FAMILIES:
        wait_for_torch(family)
    tiny()
    for family in FAMILIES:
        if wait_for(family, "fp32") and wait_for(family, "fp16"):
            family_graphs(family)
            replay(family, "keyframes")
            replay(family, "every", frames=100)
    for family, count in (("sam2.1-tiny", 1), ("sam2.1-tiny", 2), ("sam2.1-tiny", 4), ("sam3", 1), ("sam3", 2)):
        together(family, count)
    on_cpu("sam3", 5)
    on_cpu("sam2.1-tiny", 8)
    on_cpu("edgetam", 8)
    record({"id": "end"})


if __name__ == "__main__":
    main()
