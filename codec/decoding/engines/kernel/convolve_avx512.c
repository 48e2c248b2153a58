/* AVX-512 VNNI, for its dot product and its 32 registers; vectors stay at 256 bits. */
#include <immintrin.h>
#define LEVEL nnc_level_avx512
#define PLANAR 0
#define TILE_1 16
#define TILE_2 12
#define TILE_3 8
#define TILE_4 6
/* Not the intrinsic: compilers that look for short chains make two instructions of it. */
#define DOT                                                                              \
  INLINE V dot(V sum, int32_t pair, V weights) {                                         \
    __asm__("vpdpwssd %2, %1, %0"                                                        \
            : "+v"(sum)                                                                  \
            : "v"(_mm256_set1_epi32(pair)), "v"(weights));                               \
    return sum;                                                                          \
  }
#include "convolve.h"
