/* AVX2. */
#include <immintrin.h>
#define LEVEL nnc_level_avx2
#define PLANAR 0
#define TILE_1 10
#define TILE_2 5
#define TILE_3 3
#define TILE_4 2
#define DOT                                                                              \
  INLINE V dot(V sum, int32_t pair, V weights) {                                         \
    return sum + (V)_mm256_madd_epi16(_mm256_set1_epi32(pair), (__m256i)weights);        \
  }
#include "convolve.h"
