// Memory of one call or one engine: laid out from the end of the static data, freed all at once.
#ifndef MEMORY_H
#define MEMORY_H

/** 16-byte aligned, with 16 bytes behind it that vectors may overrun. Not zeroed. */
void *allocate(unsigned long bytes);
static inline float *floats(int count) { return allocate((unsigned long)count * sizeof(float)); }

/** Frees everything that was allocated. */
void reset(void);

#endif
