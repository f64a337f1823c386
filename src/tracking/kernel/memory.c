#include "memory.h"
#include "simd.h"

extern byte __heap_base;
static unsigned long heap;

EXPORT("allocate") void *allocate(unsigned long bytes) {
  unsigned long start = (heap + 15) & ~15ul;
  heap = start + bytes + 16;
  long missing = (long)heap - (long)(__builtin_wasm_memory_size(0) << 16);
  if (missing > 0 && __builtin_wasm_memory_grow(0, (missing + 65535) >> 16) == (unsigned long)-1)
    __builtin_trap();
  return (void *)start;
}

EXPORT("reset") void reset(void) { heap = (unsigned long)&__heap_base; }
