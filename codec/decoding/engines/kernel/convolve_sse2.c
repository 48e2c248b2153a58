/* x86-64 as it always was. */
#include <emmintrin.h>
#define LEVEL nnc_level_sse2
#define PLANAR 0
#define TILE_1 6
#define TILE_2 3
#define TILE_3 2
#define TILE_4 1
#define DOT                                                                       \
  typedef union {                                                                 \
    V all;                                                                        \
    __m128i half[2];                                                              \
  } Halves;                                                                       \
  INLINE V dot(V sum, int32_t pair, V weights) {                                  \
    __m128i both = _mm_set1_epi32(pair);                                          \
    Halves s = {sum}, w = {weights};                                              \
    s.half[0] = _mm_add_epi32(s.half[0], _mm_madd_epi16(both, w.half[0]));        \
    s.half[1] = _mm_add_epi32(s.half[1], _mm_madd_epi16(both, w.half[1]));        \
    return s.all;                                                                 \
  }
#include "convolve.h"
