"""Runs the measurements of docs/gpu.md that concern the service, provider options and precision, most wanted
first, until a deadline: measure_service.py HOME OUT SECONDS

HOME holds bin/node, app/ (the package with its modules, CUDA provider and clips/), cuda-options.so,
schedules.json, and graphs/ and models/, which exports.sh may still be writing. Results are appended to
OUT/results.jsonl, what commands print to OUT/log.txt.
"""

import glob
import os
import re
import subprocess
import sys
import time

import measure
from measure import CardMemory, HOME, OUT, node, record, replay, time_one, together

APP, MODELS = f"{HOME}/app", f"{HOME}/models-full"
CARDS = int(os.environ.get("MEASURE_CARDS", "1"))
SHIM = {"LD_PRELOAD": f"{HOME}/cuda-options.so"}
SAME = "arena_extend_strategy=kSameAsRequested"
SPARE = f"{SAME},cudnn_conv_algo_search=HEURISTIC,cudnn_conv_use_max_workspace=0"
OPTIONS = {
    "as it is": None,
    "kSameAsRequested": SAME,
    "HEURISTIC": "cudnn_conv_algo_search=HEURISTIC",
    "no max workspace": "cudnn_conv_use_max_workspace=0",
    "all three": SPARE,
}
os.environ["PATH"] = f"{HOME}/bin:{os.environ['PATH']}"
BOXES = {"dog90": ["--box", "448,378,256,172"], "coffee90": ["--box", "380,296,450,344", "--box", "800,412,176,204"]}


def done(path: str, seconds: float = 400) -> bool:
    limit = time.time() + seconds
    while not os.path.exists(path):
        if time.time() > limit or measure.left() < 40:
            record({"id": f"waited for {path}", "error": "not there"})
            return False
        time.sleep(0.5)
    return True


def with_options(wanted: str | None, work):
    """Options of the CUDA provider for all processes that `work` starts."""
    if wanted is not None:
        os.environ.update(SHIM, CUDA_OPTIONS=wanted)
    try:
        return work()
    finally:
        for name in ("LD_PRELOAD", "CUDA_OPTIONS"):
            os.environ.pop(name, None)


def run(name: str, words: list[str], timeout: float = 90, env: dict | None = None, keep: int = 1500) -> str:
    if measure.left() < 15:
        record({"id": name, "error": "no time"})
        return ""
    start = time.time()
    with CardMemory() as memory:
        try:
            done = subprocess.run(words, capture_output=True, text=True, cwd=APP, timeout=min(timeout, measure.left()), env={**os.environ, **(env or {})})
            text, code = done.stdout + done.stderr, done.returncode
        except subprocess.TimeoutExpired as error:
            text, code = str(error.stdout)[-3000:], "timeout"
    with open(f"{OUT}/log.txt", "a") as file:
        file.write(f"\n### {name}: {' '.join(words)} {env or ''} -> {code}\n{text[-9000:]}\n")
    record({"id": name, "code": code, "s": round(time.time() - start, 2), "cardMb": round(memory.peak - memory.base)})
    if code != 0:
        print(text[-keep:], flush=True)
    return text


def program(*words: str) -> list[str]:
    return [f"{HOME}/bin/node", f"{APP}/bin/maskstream", *words]


def options_of(family: str, part: str, variant: str, names=tuple(OPTIONS)) -> None:
    for name in names:
        with_options(OPTIONS[name], lambda: time_one(family, part, variant, f", {name}"))


def clip_iou(one: str, other: str) -> dict:
    import numpy as np
    from PIL import Image

    values = []
    for path in sorted(glob.glob(f"{one}/masks/*.png")):
        a, b = (np.array(Image.open(p)) for p in (path, path.replace(one, other)))
        for k in range(1, int(max(a.max(), b.max())) + 1):
            either = ((a == k) | (b == k)).sum()
            values.append(((a == k) & (b == k)).sum() / either if either else 1.0)
    return {"masks": len(values), "mean": round(float(np.mean(values)), 4), "least": round(float(np.min(values)), 4)}


def embedded() -> None:
    run("verify maskstream-tiny", program("models", "verify", "maskstream-tiny", "--provider", "cuda"))
    for clip, boxes in BOXES.items():
        for name, env in (("cuda", {"MASKSTREAM_PROVIDER": "cuda"}), ("cpu fp32", {"MASKSTREAM_PRECISION": "fp32"}), ("cpu", {})):
            out = f"/tmp/out-{clip}-{name.replace(' ', '-')}"
            run(f"segment {clip} {name}", program("segment", f"clips/{clip}.mp4", *boxes, "--out", out), env=env)
        for name in ("cpu-fp32", "cpu"):
            try:
                record({"id": f"{clip}: masks cuda against {name}", **clip_iou(f"/tmp/out-{clip}-cuda", f"/tmp/out-{clip}-{name}")})
            except Exception as error:
                record({"id": f"{clip} masks", "error": repr(error)})
    for name, env in (("cuda", {"MASKSTREAM_PROVIDER": "cuda"}), ("cpu", {})):
        run(f"eval {name}", program("eval", "clips/dev", "--prompt", "box,mask"), env=env)


class Server:
    def __init__(self, name: str, env: dict, options: str | None = None):
        self.name = name
        extra = {**SHIM, "CUDA_OPTIONS": options} if options else {}
        self.memory = CardMemory()
        self.memory.__enter__()
        start = time.time()
        self.process = subprocess.Popen(program("serve", "--listen", "127.0.0.1:0", "--no-web"), stdout=subprocess.PIPE, stderr=open(f"{OUT}/serve.log", "a"), text=True, cwd=APP, env={**os.environ, **env, **extra})
        self.port = None
        for line in self.process.stdout:
            found = re.search(r"listening on .*:(\d+)$", line.strip())
            if found:
                self.port = found.group(1)
                break
        record({"id": f"serve {name}", "startS": round(time.time() - start, 2), "port": self.port})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.memory.__exit__()
        record({"id": f"serve {self.name}", "cardMb": round(self.memory.peak - self.memory.base)})


def clip_cost(model: str, name: str, env: dict, options: str | None = None) -> None:
    """The service itself: backbone on every frame against keyframes as far apart as the embedded model's."""
    with Server(name, {"MASKSTREAM_PROVIDER": "cuda", "MASKSTREAM_MODEL": f"{MODELS}/{model}", "MASKSTREAM_PRECISION": "fp16", **env}, options) as server:
        if server.port is None:
            return
        for clip, apart in (("dog90", (6, 1, 6)), ("coffee90", (10, 1, 10))):
            for every in apart:
                run(f"{name} {clip} keyframes every {every}", program("segment", f"clips/{clip}.mp4", *BOXES[clip], "--keyframes", str(every), "--out", f"/tmp/x-{clip}-{every}-{time.time()}", "--server", f"127.0.0.1:{server.port}"))


def cameras(name: str, counts: str, env: dict, seconds: int = 8) -> None:
    script = f"{APP}/dist/bench/programs/cameras.js"
    print(run(f"cameras {name}", [f"{HOME}/bin/node", script, "--cameras", counts, "--seconds", str(seconds), "--objects", "1", "--bit-rate", "3000"], env=env, timeout=120)[-2500:], flush=True)


def main() -> None:
    os.makedirs(OUT, exist_ok=True)
    graphs = measure.GRAPHS
    record({"id": "machine", "cards": CARDS, "cores": os.cpu_count()})
    probe = {"id": "an option that is none", "model": f"{APP}/models/maskstream-tiny/encoder.onnx", "providers": ["cuda"], "runs": 3}
    with_options("no_such_option=1", lambda: node("time-graph.cjs", probe))
    embedded()
    if done(f"{graphs}/sam2.1-tiny-fp16.done") and done(f"{graphs}/sam2.1-tiny20-fp16.done"):
        time_one("sam2.1-tiny", "encoder", "fp16-u8h")
        time_one("sam2.1-tiny", "encoder20", "fp16-u8h")
        profile = {"enableProfiling": True, "profileFilePrefix": "/tmp/profile-a"}
        time_one("sam2.1-tiny", "encoder20", "fp16-u8h", ", profiled", runs=3, options=profile)
        options_of("sam2.1-tiny", "encoder20", "fp16-u8h")
    if done(f"{graphs}/sam3-fp16.done"):
        options_of("sam3", "encoder", "fp16-u8h")
        for part in ("attention", "decoder", "memory"):
            options_of("sam3", part, "fp16", ("as it is", "all three"))
        for policy in ("keyframes", "every"):
            replay("sam3", policy, **({"frames": 40} if policy == "every" else {}))
        os.rename(f"{graphs}/sam2.1-tiny-encoder-fp16-u8h.onnx", f"{graphs}/sam2.1-tiny-encoder23-fp16-u8h.onnx")
        os.symlink(f"{graphs}/sam2.1-tiny-encoder20-fp16-u8h.onnx", f"{graphs}/sam2.1-tiny-encoder-fp16-u8h.onnx")
        for policy in ("keyframes", "every"):
            replay("sam2.1-tiny", policy, **({"frames": 40} if policy == "every" else {}))
    for model in ("sam2full", "sam3full"):
        if not done(f"{MODELS}/{model}.done"):
            continue
        text = run(f"verify {model}", program("models", "verify", f"{MODELS}/{model}", "--provider", "cuda"), timeout=120)
        print(text[-2500:], flush=True)
        clip_cost(model, f"{model} all three", {}, SPARE)
    clip_cost("sam3full", "sam3full as it is", {})
    if CARDS > 1:
        two = {"MASKSTREAM_PLACEMENT": "encoder=cuda:0,decoder=cuda:1"}
        clip_cost("sam3full", "sam3full, encoder on card 0, the rest on card 1", two, SPARE)
        one_each = {"MASKSTREAM_PLACEMENT": "encoder=cuda:0+cuda:1,decoder=cuda:0+cuda:1"}
        clip_cost("sam3full", "sam3full, a worker of each kind a card", one_each, SPARE)
        for placement in (two, one_each, {}):
            env = {"MASKSTREAM_PROVIDER": "cuda", "MASKSTREAM_MODEL": f"{MODELS}/sam3full", "MASKSTREAM_PRECISION": "fp16"}
            cameras(f"sam3full {placement}", "2,4", {**env, **placement})
    cameras("maskstream-tiny cuda", "2,4,8", {"MASKSTREAM_PROVIDER": "cuda"})
    cameras("sam3full cuda", "1,2,3,4,6", {"MASKSTREAM_PROVIDER": "cuda", "MASKSTREAM_MODEL": f"{MODELS}/sam3full", "MASKSTREAM_PRECISION": "fp16"}, 7)
    cameras("sam2full cuda", "2,4,6,8", {"MASKSTREAM_PROVIDER": "cuda", "MASKSTREAM_MODEL": f"{MODELS}/sam2full", "MASKSTREAM_PRECISION": "fp16"}, 7)
    cameras("maskstream-tiny cpu", "2,4,8", {})
    record({"id": "end"})


if __name__ == "__main__":
    main()
