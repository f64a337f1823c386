"""What a second card brings the service, most wanted first, until a deadline: two_cards.py HOME OUT SECONDS

HOME as for measure_service.py, with models-full/ of exports.sh (SAM 3's and SAM 2.1-tiny's size). Results go
to OUT/results.jsonl, what commands print to OUT/log.txt.
"""

import glob
import os
import subprocess
import sys
import threading
import time

import measure
from measure import HOME, OUT, record

APP, MODELS = f"{HOME}/app", f"{HOME}/models-full"
BENCH = f"{APP}/dist/bench/programs"
SHIM = f"{HOME}/cuda-options.so"
SPARE = "arena_extend_strategy=kSameAsRequested,cudnn_conv_algo_search=HEURISTIC,cudnn_conv_use_max_workspace=0"
os.environ["PATH"] = f"{HOME}/bin:{os.environ['PATH']}"
os.environ["MASKSTREAM_TRACKER_WORKERS"] = "8"
ONE, SPLIT, EACH = "", "encoder=cuda:0,decoder=cuda:1", "encoder=cuda:0+cuda:1,decoder=cuda:0+cuda:1"
PARTED, DOUBLED = "encoder=cuda:0,decoder=cuda:0", "encoder=cuda:0*2,decoder=cuda:0*2"


class Cards:
    """Peak of each card's memory while a block runs, every 20 ms, in MB over what was there before."""

    def __enter__(self):
        self.cards = [measure.pynvml.nvmlDeviceGetHandleByIndex(k) for k in range(measure.pynvml.nvmlDeviceGetCount())]
        self.base, self.peak, self.busy, self.done = self.used(), self.used(), [[] for _ in self.cards], False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def used(self):
        return [measure.pynvml.nvmlDeviceGetMemoryInfo(card).used / 2**20 for card in self.cards]

    def watch(self):
        while not self.done:
            self.peak = [max(pair) for pair in zip(self.peak, self.used())]
            for seen, card in zip(self.busy, self.cards):
                seen.append(measure.pynvml.nvmlDeviceGetUtilizationRates(card).gpu)
            time.sleep(0.02)

    def __exit__(self, *_):
        self.done = True
        self.thread.join()

    def facts(self):
        busy = [round(sum(seen) / max(1, len(seen))) for seen in self.busy]
        return {"cardsMb": [round(p - b) for p, b in zip(self.peak, self.base)], "cardsBusy": busy}


def run(name, words, env, timeout=100, keep=1600):
    if measure.left() < 12:
        return record({"id": name, "error": "no time"})
    start = time.time()
    with Cards() as cards:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=APP, env={**os.environ, **env}, start_new_session=True)
        lines = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout))
        reader.start()
        try:
            process.wait(min(timeout, measure.left() - 4))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            lines.append("TIMEOUT\n")
        reader.join(5)
    text = "".join(lines)
    with open(f"{OUT}/log.txt", "a") as file:
        file.write(f"\n### {name}: {' '.join(words)} {env} -> {process.returncode}\n{text[-20000:]}\n")
    record({"id": name, "code": process.returncode, "s": round(time.time() - start, 1), **cards.facts()})
    print(text[-keep:] if len(text) < 30000 else text[-600:], flush=True)
    return text


def serving(model, placement, options=SPARE):
    env = {"MASKSTREAM_PROVIDER": "cuda", "MASKSTREAM_LOG_LEVEL": "error"}
    if model:
        env |= {"MASKSTREAM_MODEL": f"{MODELS}/{model}", "MASKSTREAM_PRECISION": "fp16"}
    if placement:
        env["MASKSTREAM_PLACEMENT"] = placement
    return {**env, "LD_PRELOAD": SHIM, "CUDA_OPTIONS": options} if options else env


def throughput(model, placement, streams="1,2,4", keyframes="1", seconds=4):
    words = [f"{HOME}/bin/node", f"{BENCH}/throughput.js", "--streams", streams, "--keyframes", keyframes, "--seconds", str(seconds), "--warm-up", "1.5"]
    run(f"throughput {model} [{placement}]", words, serving(model, placement))


def cameras(model, placement, counts, keyframes, seconds=6):
    words = [f"{HOME}/bin/node", f"{BENCH}/cameras.js", "--cameras", counts, "--keyframes", keyframes, "--seconds", str(seconds), "--warm-up", "1.5", "--objects", "1", "--bit-rate", "3000"]
    run(f"cameras {model} [{placement}] every {keyframes}", words, serving(model, placement), timeout=150)


def dog():
    boxes = ["--box", "448,378,256,172"]
    for name, env in (("cuda", {"MASKSTREAM_PROVIDER": "cuda"}), ("cuda-no-tf32", {"MASKSTREAM_PROVIDER": "cuda", "NVIDIA_TF32_OVERRIDE": "0"}), ("cpu-fp32", {"MASKSTREAM_PRECISION": "fp32"})):
        words = [f"{APP}/bin/maskstream", "segment", "clips/dog90.mp4", *boxes, "--out", f"/tmp/dog/{name}"]
        run(f"dog {name}", words, env, timeout=60, keep=300)
    subprocess.run(["tar", "cJf", f"{OUT}/dog.tar.xz", "-C", "/tmp", "dog"], check=False)


def encoder_memory():
    paths = sorted(glob.glob(f"{MODELS}/sam3full/encoder*16*.onnx"))
    if not paths:
        return record({"id": "memory", "error": str(os.listdir(MODELS))})
    device = {"session": {"intra_op": {"allow_spinning": "0"}, "use_device_allocator_for_initializers": "1"}}
    no_pattern = {"enableMemPattern": False}
    cases = {
        "as it is, log": (None, {"logSeverityLevel": 0}),
        "no memory pattern": (None, no_pattern),
        "all three": (SPARE, {}),
        "all three, no memory pattern": (SPARE, no_pattern),
        "all three, no memory pattern, weights of their own": (SPARE, {**no_pattern, "extra": device}),
        "the same, limit 1.7 GB": (f"{SPARE},gpu_mem_limit=1700000000", {**no_pattern, "extra": device}),
        "the same, log": (SPARE, {**no_pattern, "extra": device, "logSeverityLevel": 0}),
    }
    for name, (options, session) in cases.items():
        if options:
            os.environ.update(LD_PRELOAD=SHIM, CUDA_OPTIONS=options)
        config = {"id": f"sam3 encoder, {name}", "model": paths[0], "providers": ["cuda"], "runs": 12, "options": session}
        words = [f"{HOME}/bin/node", f"{measure.HERE}/time-graph.cjs", measure.json.dumps({"runtime": f"{HOME}/runtime", **config})]
        with Cards() as cards:
            done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        for key in ("LD_PRELOAD", "CUDA_OPTIONS"):
            os.environ.pop(key, None)
        record({**measure.json.loads(done.stdout.split("@@")[-1] or "{}"), "id": config["id"], **cards.facts()})
        arena = [line for line in done.stderr.splitlines() if "rena" in line or "Alloc" in line or "alloc" in line or "pattern" in line]
        with open(f"{OUT}/arena.txt", "a") as file:
            file.write(f"### {config['id']}\n" + "\n".join(line[:220] for line in arena[:1500]) + "\n")


def done(model):
    while not os.path.exists(f"{MODELS}/{model}.done"):
        if measure.left() < 60:
            return False
        time.sleep(0.3)
    return True


def main():
    os.makedirs(OUT, exist_ok=True)
    record({"id": "machine", "cores": os.cpu_count(), "cards": measure.pynvml.nvmlDeviceGetCount()})
    dog()
    if "quick" in sys.argv:
        return
    two = measure.pynvml.nvmlDeviceGetCount() > 1
    for model, every in (("sam3full", "6"), ("sam2full", "6")):
        if not done(model):
            record({"id": model, "error": "no export"})
            continue
        for placement in (ONE, SPLIT, EACH, PARTED, DOUBLED) if two else (ONE, PARTED, DOUBLED):
            throughput(model, placement)
        if model == "sam3full":
            encoder_memory()
        cameras(model, ONE, "2,4,6" if model == "sam3full" else "6,10", every)
        if two:
            cameras(model, EACH, "4,8,12" if model == "sam3full" else "12,20", every)
    throughput("", ONE, "1,4", "1,6")
    cameras("", ONE, "8,16", "adaptive")
    record({"id": "end"})


if __name__ == "__main__":
    main()
