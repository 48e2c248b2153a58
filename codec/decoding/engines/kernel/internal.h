/* What the files of the kernel share. */
#ifndef NNCODEC_INTERNAL_H
#define NNCODEC_INTERNAL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernel.h"

#define LANES 8        /* outputs that a vector holds */
#define MOST_PARTS 8
#define MOST_CHANNELS 4096
#define DIGIT_BITS 10  /* of the low digit of a wide input */

typedef struct {
  int16_t *weights;
  int32_t first; /* input channel */
  int32_t shift; /* the part counts 2^shift times */
} Part;

/* Where a convolution reads: the element that its first tap meets at output (0, 0). */
typedef struct {
  const int16_t *data;
  ptrdiff_t pixel, row; /* elements between neighbours */
} Source;

typedef struct {
  int32_t *data; /* null: none */
  ptrdiff_t pixel, row;
} Wide;

typedef struct {
  int16_t *data;
  ptrdiff_t pixel, row;
  int32_t limit;
} Narrow;

/* Where its outputs go. Elements are those of output (0, 0). */
typedef struct {
  Wide wide, plus;
  Narrow narrow_plus; /* what is added of 16 bits */
  int32_t add, bound;
  Narrow narrow[2];
  int32_t narrow_count;
  const int32_t *bias; /* null, or one for each output */
  int32_t shuffle;
} Target;

typedef void Convolve(const nnc_layer *layer, Source source, const Target *target, int32_t blank,
                      int32_t first, int32_t last, int32_t columns);

struct nnc_layer {
  nnc_shape shape;
  int32_t blocks; /* of LANES outputs */
  int32_t part_count;
  Part part[MOST_PARTS];
  int64_t *bias;        /* of each output, with the half of the rounding; [blocks * LANES] */
  int32_t *narrow_bias; /* the same where one part is all: it then fits */
  Convolve *convolve;
};

/* One level of instructions: how its weights lie, and the code. */
typedef struct {
  Convolve *convolve;
  int32_t planar; /* even inputs of all lanes before odd ones, in place of pairs */
} Level;

extern const Level nnc_level_portable, nnc_level_sse2, nnc_level_avx2, nnc_level_avx512,
    nnc_level_neon, nnc_level_simd128;

/* The code for a level, or null where it does not run. */
const Level *nnc_level_of(int32_t level);

/* How many blocks are computed together, which decides the order of weights. */
static inline int32_t together(int32_t blocks) {
  return blocks % 4 == 0 ? 4 : blocks % 3 == 0 ? 3 : blocks % 2 == 0 ? 2 : 1;
}

static inline int64_t rescale(int64_t a, int32_t n) { return (a + ((int64_t)1 << (n - 1))) >> n; }

static inline int64_t clamp(int64_t a, int64_t low, int64_t high) {
  return a < low ? low : a > high ? high : a;
}

/* Memory that starts at a multiple of 64 bytes, or null; sizes are counted in `Size`. */
void *nnc_take(size_t bytes);
void nnc_give(void *memory);

/* A size in bytes that says so when it overflows. */
typedef struct {
  size_t bytes;
  int32_t overflow;
} Size;

static inline void size_add(Size *size, size_t count, size_t width) {
  size_t more;
  if (__builtin_mul_overflow(count, width, &more) ||
      __builtin_add_overflow(more, (size_t)127, &more) ||
      __builtin_add_overflow(size->bytes, more & ~(size_t)63, &size->bytes) ||
      size->bytes > ((size_t)1 << (sizeof(size_t) > 4 ? 40 : 30)))
    size->overflow = 1;
}

#endif
