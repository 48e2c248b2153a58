/* Plain C in vectors that any compiler of clang's or GCC's kind breaks down to what there is. */
#define LEVEL nnc_level_portable
#define PLANAR 0
#define TILE_1 6
#define TILE_2 3
#define TILE_3 2
#define TILE_4 1
#define DOT                                                                       \
  INLINE V dot(V sum, int32_t pair, V weights) {                                  \
    V low = weights << 16 >> 16, high = weights >> 16;                            \
    return sum + low * (int16_t)pair + high * (pair >> 16);                       \
  }
#include "convolve.h"
