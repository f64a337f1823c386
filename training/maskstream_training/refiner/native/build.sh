#!/bin/sh
# Compiles the tracker's flow engine to OUT (a shared library). Needs a C compiler and SIMDe (Debian: libsimde-dev).
set -eu
out="$(realpath "${1:?usage: build.sh OUT.so}")"
cd "$(dirname "$0")"
kernel=../../../../src/tracking/kernel
"${CC:-cc}" -std=gnu11 -O2 -msse4.1 -ffp-contract=off -fPIC -shared -w -I. -I"$kernel" -o "$out" flow.c \
  "$kernel"/dis-flow.c "$kernel"/dis-pictures.c "$kernel"/dis-search.c "$kernel"/flow-picture.c
