#!/bin/sh
# Compiles the C files here to kernel-wasm.ts. Needs clang and wasm-ld 14 or newer (Debian: clang-14
# lld-14).
set -eu
cd "$(dirname "$0")"
clang="${CLANG:-clang-14}"
wasm="$(mktemp)"
trap 'rm -f "$wasm"' EXIT
"$clang" --target=wasm32 -std=c11 -O2 -msimd128 -mbulk-memory -ffreestanding -nostdlib -Wall -Werror \
  -Wl,--no-entry -Wl,--strip-all -Wl,-z,stack-size=16384 -o "$wasm" ./*.c
{
  echo "/** The C files here compiled to WebAssembly, as base64; made by build.sh, never edited. */"
  echo "export const kernelWasmBase64 ="
  echo "  '$(base64 -w 0 "$wasm")';"
} > kernel-wasm.ts
