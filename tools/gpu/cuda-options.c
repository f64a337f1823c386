/*
 * Options of the CUDA provider that onnxruntime-node does not pass on, from the environment:
 *
 *   cc -shared -fPIC -O2 -o cuda-options.so tools/gpu/cuda-options.c -ldl
 *   CUDA_OPTIONS="arena_extend_strategy=kSameAsRequested,cudnn_conv_algo_search=HEURISTIC" \
 *     LD_PRELOAD=$PWD/cuda-options.so MASKSTREAM_PROVIDER=cuda maskstream serve
 *
 * The binding fetches a table of functions from the runtime (OrtGetApiBase) and makes the provider's
 * options with one of them, of which it sets the device alone. Here the table is copied, and that one
 * function sets the others too. Entries of the table never move, they are only added to
 * (onnxruntime_c_api.h): CreateCUDAProviderOptions is 205, UpdateCUDAProviderOptions 206.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GET_ERROR_MESSAGE = 2, CREATE_OPTIONS = 205, UPDATE_OPTIONS = 206, MOST_ENTRIES = 1024, MOST_OPTIONS = 32 };

typedef struct {
  const void *const *(*get_api)(unsigned version);
  const char *(*get_version)(void);
} ApiBase;

static const void *const *original;
static const void *copied[MOST_ENTRIES];

/** A status that is not null says what was wrong; it goes to whoever asked for the options. */
static void *create_options(void **out) {
  void *(*create)(void **) = (void *(*)(void **))original[CREATE_OPTIONS];
  void *(*update)(void *, const char *const *, const char *const *, size_t) =
      (void *(*)(void *, const char *const *, const char *const *, size_t))original[UPDATE_OPTIONS];
  void *status = create(out);
  const char *wanted = getenv("CUDA_OPTIONS");
  if (status != NULL || wanted == NULL || *wanted == 0) return status;
  char text[2048];
  snprintf(text, sizeof text, "%s", wanted);
  const char *keys[MOST_OPTIONS], *values[MOST_OPTIONS];
  size_t count = 0;
  char *rest = NULL;
  for (char *pair = strtok_r(text, ",", &rest); pair != NULL && count < MOST_OPTIONS;
       pair = strtok_r(NULL, ",", &rest)) {
    char *value = strchr(pair, '=');
    if (value == NULL) continue;
    *value = 0;
    keys[count] = pair;
    values[count++] = value + 1;
  }
  return update(*out, keys, values, count);
}

static const void *const *get_api(unsigned version) {
  static const ApiBase *base;
  if (base == NULL) {
    // The runtime is loaded by then, but not for all: dlsym(RTLD_NEXT) does not find it.
    void *runtime = dlopen("libonnxruntime.so.1", RTLD_NOLOAD | RTLD_LAZY);
    const ApiBase *(*get)(void) =
        runtime == NULL ? NULL : (const ApiBase *(*)(void))dlsym(runtime, "OrtGetApiBase");
    if (get == NULL) {
      fprintf(stderr, "cuda-options: expected libonnxruntime.so.1 to be loaded\n");
      abort();
    }
    base = get();
  }
  original = base->get_api(version);
  if (original == NULL) return NULL;
  // What follows the table is copied too: its length is not told.
  memcpy(copied, original, sizeof copied / 2);
  copied[CREATE_OPTIONS] = (const void *)create_options;
  return copied;
}

static const char *get_version(void) { return "1.30.0"; }

const ApiBase *OrtGetApiBase(void) {
  static const ApiBase ours = {get_api, get_version};
  return &ours;
}
