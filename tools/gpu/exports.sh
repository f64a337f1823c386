#!/bin/sh
# Graphs and model folders of real size for measure_service.py, side by side: exports.sh GRAPHS MODELS
cd "$(dirname "$0")" || exit 1
graphs="$1" models="$2"
mkdir -p "$graphs" "$models"
export OMP_NUM_THREADS=2
(python3 export_real_size.py sam2.1-tiny fp16 "$graphs" && touch "$graphs/sam2.1-tiny-fp16.done") >"$graphs/sam2.log" 2>&1 &
(EXPORT_OPSET=20 python3 export_real_size.py sam2.1-tiny fp16 "$graphs" encoder && touch "$graphs/sam2.1-tiny20-fp16.done") >"$graphs/sam2-20.log" 2>&1 &
(python3 export_real_size.py sam3 fp16 "$graphs" && touch "$graphs/sam3-fp16.done") >"$graphs/sam3.log" 2>&1 &
cd ../export || exit 1
export HF_HUB_OFFLINE=1
(EXPORT_THREADS=3 python3 export_model.py sam2 seed-full "$models/sam2full" --frames 3 --prompts box --half --fused memoryAttention && touch "$models/sam2full.done") >"$models/sam2full.log" 2>&1 &
(EXPORT_THREADS=6 OMP_NUM_THREADS=6 python3 export_model.py sam3 seed-full "$models/sam3full" --frames 2 --prompts box --half --fused encoder,memoryAttention && touch "$models/sam3full.done") >"$models/sam3full.log" 2>&1 &
wait
