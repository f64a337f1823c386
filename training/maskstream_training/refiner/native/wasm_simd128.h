// Stands in for clang's header of this name, so that the tracker's kernel compiles natively: SIMDe has the same operations.
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/wasm/simd128.h>
