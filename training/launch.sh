#!/bin/bash
# launch.sh GPUS [arguments of maskstream_training.train.run]: one process a GPU on this host.
gpus=$1; shift
cd "$(dirname "$0")" || exit 1
# Multicast over NVLink can upset shared hosts, so it stays off.
export MASTER_ADDR=127.0.0.1 MASTER_PORT=${PORT:-29511} OMP_NUM_THREADS=4 NCCL_NVLS_ENABLE=0 PYTHONUNBUFFERED=1
pids=()
for ((rank = 0; rank < gpus; rank++)); do
  WORLD_SIZE=$gpus RANK=$rank LOCAL_RANK=$rank ${PYTHON:-python3} -m maskstream_training.train.run "$@" & pids+=($!)
done
status=0
for pid in "${pids[@]}"; do wait "$pid" || status=1; done
exit $status
