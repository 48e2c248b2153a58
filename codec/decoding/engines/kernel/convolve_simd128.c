/* WebAssembly with vectors. */
#include <wasm_simd128.h>
#define LEVEL nnc_level_simd128
#define PLANAR 0
#define TILE_1 6
#define TILE_2 4
#define TILE_3 3
#define TILE_4 2
#define DOT                                                                              \
  typedef union {                                                                        \
    V all;                                                                               \
    v128_t half[2];                                                                      \
  } Halves;                                                                              \
  INLINE V dot(V sum, int32_t pair, V weights) {                                         \
    v128_t both = wasm_i32x4_splat(pair);                                                \
    Halves s = {sum}, w = {weights};                                                     \
    s.half[0] = wasm_i32x4_add(s.half[0], wasm_i32x4_dot_i16x8(both, w.half[0]));        \
    s.half[1] = wasm_i32x4_add(s.half[1], wasm_i32x4_dot_i16x8(both, w.half[1]));        \
    return s.all;                                                                        \
  }
#include "convolve.h"
