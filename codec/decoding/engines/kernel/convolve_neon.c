/* 64-bit ARM. Its products widen one factor at a time, so even and odd inputs lie apart. */
#include <arm_neon.h>
#define LEVEL nnc_level_neon
#define PLANAR 1
#define TILE_1 8
#define TILE_2 4
#define TILE_3 3
#define TILE_4 2
#define DOT                                                                              \
  typedef union {                                                                        \
    V all;                                                                               \
    int32x4_t half[2];                                                                   \
    int16x8_t narrow[2];                                                                 \
  } Halves;                                                                              \
  INLINE V dot(V sum, int32_t pair, V weights) {                                         \
    int16x4_t even = vdup_n_s16((int16_t)pair), odd = vdup_n_s16((int16_t)(pair >> 16)); \
    Halves s = {sum}, w = {weights};                                                     \
    s.half[0] = vmlal_s16(s.half[0], vget_low_s16(w.narrow[0]), even);                   \
    s.half[1] = vmlal_s16(s.half[1], vget_high_s16(w.narrow[0]), even);                  \
    s.half[0] = vmlal_s16(s.half[0], vget_low_s16(w.narrow[1]), odd);                    \
    s.half[1] = vmlal_s16(s.half[1], vget_high_s16(w.narrow[1]), odd);                   \
    return s.all;                                                                        \
  }
#include "convolve.h"
