/* One convolution in vectors of 8 int32. Included once for each level, which defines
 *   LEVEL     name of what this makes
 *   PLANAR    see `Level`
 *   DOT       V dot(V sum, int32_t pair, V weights): adds the products of two inputs (16 bits each)
 *   TILE_1..4 positions that are computed together with 1..4 blocks: what registers can hold
 */
#include "internal.h"

typedef int32_t V __attribute__((vector_size(32)));
typedef int32_t Loose __attribute__((vector_size(32), aligned(4)));
typedef int32_t Half __attribute__((vector_size(16), aligned(4)));
typedef int16_t Short __attribute__((vector_size(16), aligned(2)));
typedef int64_t Long __attribute__((vector_size(64)));

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

DOT

INLINE V least(V a, V b) {
#if defined(__clang__)
  return __builtin_elementwise_min(a, b);
#else
  V less = a < b;
  return (less & a) | (~less & b);
#endif
}

INLINE V most(V a, V b) {
#if defined(__clang__)
  return __builtin_elementwise_max(a, b);
#else
  V less = a < b;
  return (less & b) | (~less & a);
#endif
}

/* The sums of one part for `tile` neighbouring positions and `blocks` blocks. */
INLINE void sums(const int tile, const int blocks, const V *weights, const int16_t *input,
                 ptrdiff_t step, ptrdiff_t pixel, ptrdiff_t row, int size, int pairs, V *out) {
  V sum[16 * 4];
  UNROLL for (int i = 0; i < tile * blocks; i++) sum[i] = (V){0};
  for (int u = 0; u < size; u++)
    for (int v = 0; v < size; v++) {
      const int16_t *at = input + u * row + v * pixel;
      for (int i = 0; i < pairs; i++, at += 2, weights += blocks) {
        UNROLL for (int p = 0; p < tile; p++) {
          int32_t pair;
          memcpy(&pair, at + p * step, 4);
          UNROLL for (int b = 0; b < blocks; b++)
            sum[p * blocks + b] = dot(sum[p * blocks + b], pair, weights[b]);
        }
      }
    }
  UNROLL for (int i = 0; i < tile * blocks; i++) out[i] = sum[i];
}

#define SUMS(NAME, TILE, BLOCKS)                                                               \
  static __attribute__((noinline)) void NAME(const V *weights, const int16_t *input,           \
                                             ptrdiff_t step, ptrdiff_t pixel, ptrdiff_t row,   \
                                             int size, int pairs, V *out) {                    \
    sums(TILE, BLOCKS, weights, input, step, pixel, row, size, pairs, out);                    \
  }

typedef void Sums(const V *, const int16_t *, ptrdiff_t, ptrdiff_t, ptrdiff_t, int, int, V *);

SUMS(wide_1, TILE_1, 1)
SUMS(wide_2, TILE_2, 2)
SUMS(wide_3, TILE_3, 3)
SUMS(wide_4, TILE_4, 4)
SUMS(single_1, 1, 1)
SUMS(single_2, 1, 2)
SUMS(single_3, 1, 3)
SUMS(single_4, 1, 4)

/* Loads and stores of the first `count` lanes. */
INLINE V load(const int32_t *from, int count) {
  if (count >= LANES) return (V) * (const Loose *)from;
  if (count == 4) {
    const Half half = *(const Half *)from;
    return (V)__builtin_shufflevector(half, half, 0, 1, 2, 3, 0, 1, 2, 3);
  }
  V value = {0};
  for (int i = 0; i < count; i++) value[i] = from[i];
  return value;
}

INLINE V load_narrow(const int16_t *from, int count) {
  if (count >= LANES) return __builtin_convertvector(*(const Short *)from, V);
  V value = {0};
  for (int i = 0; i < count; i++) value[i] = from[i];
  return value;
}

INLINE void store(int32_t *to, V value, int count) {
  if (count >= LANES) {
    *(Loose *)to = (Loose)value;
  } else if (count == 4) {
    *(Half *)to = (Half)__builtin_shufflevector(value, value, 0, 1, 2, 3);
  } else {
    for (int i = 0; i < count; i++) to[i] = value[i];
  }
}

INLINE void store_narrow(int16_t *to, V value, int32_t limit, int count) {
  value = most(least(value, (V){0} + limit), (V){0} - limit);
  Short narrow = (Short)__builtin_convertvector(value, Short);
  if (count >= LANES) {
    *(Short *)to = narrow;
  } else {
    for (int i = 0; i < count; i++) to[i] = narrow[i];
  }
}

/* What happens to finished outputs: `count` lanes from output `from` on, at a target position. */
INLINE void put(const Target *t, V value, ptrdiff_t y, ptrdiff_t x, int from, int count) {
  if (t->narrow_plus.data)
    value += load_narrow(
        t->narrow_plus.data + y * t->narrow_plus.row + x * t->narrow_plus.pixel + from, count);
  if (t->plus.data) value += load(t->plus.data + y * t->plus.row + x * t->plus.pixel + from, count);
  if (t->wide.data) {
    int32_t *to = t->wide.data + y * t->wide.row + x * t->wide.pixel + from;
    if (t->add) value += load(to, count);
    store(to, value, count);
  }
  for (int i = 0; i < t->narrow_count; i++) {
    const Narrow *n = &t->narrow[i];
    store_narrow(n->data + y * n->row + x * n->pixel + from, value, n->limit, count);
  }
}

/* Outputs of block `block` at position (y, x): bias, activation, then where they belong. */
INLINE void finish(const nnc_layer *layer, const Target *t, V value, int block, ptrdiff_t y,
                   ptrdiff_t x) {
  int first = block * LANES, count = layer->shape.outputs - first;
  if (count > LANES) count = LANES;
  if (layer->shape.activate) value = most(value, (value + 4) >> 3);
  if (t->bound) value = most(least(value, (V){0} + t->bound), (V){0} - t->bound);
  if (t->bias) value += load(t->bias + first, count);
  if (t->shuffle == 1) {
    put(t, value, y, x, first, count);
    return;
  }
  int channels = layer->shape.outputs / (t->shuffle * t->shuffle);
  for (int done = 0; done < count;) {
    int place = (first + done) / channels, from = (first + done) % channels;
    int run = channels - from < count - done ? channels - from : count - done;
    V part = value;
    if (done)
      for (int i = 0; i < run; i++) part[i] = value[done + i];
    put(t, part, y * t->shuffle + place / t->shuffle, x * t->shuffle + place % t->shuffle, from,
        run);
    done += run;
  }
}

/* The sum of all parts in 64 bits, rescaled: it was proven to fit 32. */
INLINE V joined(const nnc_layer *layer, const V *parts, int apart, int block) {
  V result;
  for (int lane = 0; lane < LANES; lane++) {
    int64_t total = layer->bias[block * LANES + lane];
    for (int i = 0; i < layer->part_count; i++)
      total += (int64_t)parts[i * apart][lane] * ((int64_t)1 << layer->part[i].shift);
    result[lane] = (int32_t)(total >> layer->shape.shift);
  }
  return result;
}

/* Asks for what will be added to outputs while their sums are computed: of large pictures it is not
 * in the caches, and too far apart to be foreseen. */
INLINE void prefetch(const Target *t, ptrdiff_t y, ptrdiff_t x, int from, int lanes) {
  const int line = 64 / sizeof(int32_t);
  if (t->shuffle != 1) return;
  for (int i = 0; i < lanes && t->plus.data; i += line)
    __builtin_prefetch(t->plus.data + y * t->plus.row + x * t->plus.pixel + from + i);
  for (int i = 0; i < lanes && t->add; i += line)
    __builtin_prefetch(t->wide.data + y * t->wide.row + x * t->wide.pixel + from + i);
}

static void convolve(const nnc_layer *layer, Source source, const Target *target, int32_t blank,
                     int32_t first, int32_t last, int32_t columns) {
  static Sums *const wide[] = {0, wide_1, wide_2, wide_3, wide_4};
  static Sums *const single[] = {0, single_1, single_2, single_3, single_4};
  static const int tiles[] = {0, TILE_1, TILE_2, TILE_3, TILE_4};
  enum { MOST = 24 }; /* vectors of a tile */
  V out[MOST_PARTS * MOST];
  const nnc_shape *shape = &layer->shape;
  const int group = together(layer->blocks), tile = tiles[group];
  const int pairs = (shape->inputs + 1) / 2, size = blank ? 0 : shape->size;
  const size_t per_block = (size_t)shape->size * shape->size * pairs;
  const ptrdiff_t step = source.pixel * shape->stride;
  for (ptrdiff_t y = first; y < last; y++)
    for (int block = 0; block < layer->blocks; block += group)
      for (ptrdiff_t x = 0; x < columns;) {
        const int count = x + tile <= columns ? tile : 1;
        const int16_t *input = source.data + y * shape->stride * source.row + x * step;
        for (int p = 0; p < count; p++)
          prefetch(target, y, x + p, block * LANES, group * LANES);
        for (int i = 0; i < layer->part_count; i++) {
          const Part *part = &layer->part[i];
          const V *weights = (const V *)part->weights + block * per_block;
          (count == tile ? wide : single)[group](weights, input + part->first, step, source.pixel,
                                                 source.row, size, pairs, out + i * MOST);
        }
        for (int p = 0; p < count; p++, x++)
          for (int b = 0; b < group; b++) {
            const V *sum = out + p * group + b;
            V value = layer->part_count > 1
                          ? joined(layer, sum, MOST, block + b)
                          : (*sum + *(const V *)(layer->narrow_bias + (block + b) * LANES)) >>
                                shape->shift;
            finish(layer, target, value, block + b, y, x);
          }
      }
}

const Level LEVEL = {convolve, PLANAR};
