/* Layers: proof of their bounds, and weights in the order in which they are read. */
#include "internal.h"

/* How weights and inputs are cut: digits of so many bits, the last one with the rest. */
typedef struct {
  int32_t weight_digits, weight_bits, input_digits;
} Cut;

/* Digit number `index` of a value, balanced around 0. */
static int32_t digit(int64_t value, int32_t index, int32_t count, int32_t bits) {
  for (int32_t i = 0;; i++) {
    if (i + 1 == count) return (int32_t)value;
    int64_t low = ((value + ((int64_t)1 << (bits - 1))) & (((int64_t)1 << bits) - 1)) -
                  ((int64_t)1 << (bits - 1));
    if (i == index) return (int32_t)low;
    value = (value - low) >> bits;
  }
}

/* Whether every part of the sums fits 32 bits. `extra` is what else the only part has to hold. */
static int32_t fits(const nnc_shape *shape, const int32_t *weights, const Cut *cut, int64_t extra) {
  const int64_t taps = (int64_t)shape->inputs * shape->size * shape->size;
  int64_t largest = shape->limit;
  if (cut->input_digits > 1) {
    /* The low digit is at most half of its range in magnitude, the high one takes the rest. */
    largest = (largest >> DIGIT_BITS) + 1;
    if (largest < 1 << (DIGIT_BITS - 1)) largest = 1 << (DIGIT_BITS - 1);
  }
  if (largest > INT16_MAX) return 0;
  const int32_t alone = cut->weight_digits * cut->input_digits == 1;
  for (int32_t o = 0; o < shape->outputs; o++)
    for (int32_t d = 0; d < cut->weight_digits; d++) {
      int64_t sum = 0;
      for (int64_t i = 0; i < taps; i++) {
        int64_t part = digit(weights[o * taps + i], d, cut->weight_digits, cut->weight_bits);
        if (part < INT16_MIN || part > INT16_MAX) return 0;
        sum += part < 0 ? -part : part;
      }
      if (sum * largest + (alone ? extra : 0) > INT32_MAX) return 0;
    }
  return 1;
}

/* The bounds of FORMAT.md, section 10.2, and the cheapest cut that keeps them. */
static int32_t prove(const nnc_shape *shape, const int32_t *weights, const int32_t *bias,
                     Cut *cut) {
  const int64_t taps = (int64_t)shape->inputs * shape->size * shape->size;
  int64_t largest = 0, extra = 0, width = 0;
  for (int32_t o = 0; o < shape->outputs; o++) {
    int64_t sum = 0, own = bias[o] < 0 ? -(int64_t)bias[o] : bias[o];
    for (int64_t i = 0; i < taps; i++) {
      int64_t weight = weights[o * taps + i];
      weight = weight < 0 ? -weight : weight;
      sum += weight;
      while (weight >> width) width++;
    }
    if (sum > largest) largest = sum;
    if (own > extra) extra = own;
  }
  extra += (int64_t)1 << shape->shift;
  /* largest < 2^31 * 2^24 taps at most; the product is checked before it is taken. */
  const int64_t most = (int64_t)1 << (shape->bits + shape->shift);
  if (largest > (most - 1) / shape->limit || largest * shape->limit + extra >= most)
    return NNC_OUT_OF_RANGE;
  cut->input_digits = shape->limit > INT16_MAX ? 2 : 1;
  for (cut->weight_digits = 1; cut->weight_digits * cut->input_digits <= MOST_PARTS;
       cut->weight_digits++) {
    cut->weight_bits = (int32_t)(width + 1 + cut->weight_digits - 1) / cut->weight_digits;
    if (fits(shape, weights, cut, extra)) return NNC_OK;
  }
  return NNC_OUT_OF_RANGE;
}

/* [group of blocks][row][column][pair of inputs][block][lane][even, odd], or, planar, [even, odd]
 * before [lane]. */
static void pack(int16_t *to, const nnc_layer *layer, const int32_t *weights, const Cut *cut,
                 int32_t index, int32_t planar) {
  const nnc_shape *shape = &layer->shape;
  const int32_t group = together(layer->blocks), pairs = (shape->inputs + 1) / 2;
  const int32_t taps = shape->size * shape->size;
  for (int32_t first = 0; first < layer->blocks; first += group)
    for (int32_t tap = 0; tap < taps; tap++)
      for (int32_t pair = 0; pair < pairs; pair++)
        for (int32_t block = first; block < first + group; block++, to += 2 * LANES)
          for (int32_t lane = 0; lane < LANES; lane++)
            for (int32_t odd = 0; odd < 2; odd++) {
              const int32_t output = block * LANES + lane, input = 2 * pair + odd;
              int32_t value = 0;
              if (output < shape->outputs && input < shape->inputs)
                value = digit(weights[((int64_t)output * shape->inputs + input) * taps + tap],
                              index, cut->weight_digits, cut->weight_bits);
              to[planar ? odd * LANES + lane : 2 * lane + odd] = (int16_t)value;
            }
}

int32_t nnc_layer_new(int32_t level, const nnc_shape *shape, const int32_t *weights,
                      const int32_t *bias, nnc_layer **made) {
  *made = NULL;
  const Level *code = nnc_level_of(level);
  if (!code || shape->outputs < 1 || shape->outputs > MOST_CHANNELS || shape->inputs < 1 ||
      shape->inputs > MOST_CHANNELS || shape->size < 1 || shape->size > 7 ||
      shape->size % 2 == 0 || shape->stride < 1 || shape->stride > 2 || shape->shift < 1 ||
      shape->shift > 24 || shape->limit < 1 || shape->limit > 1 << 24 || shape->bits < 1 ||
      shape->bits > 30)
    return NNC_BAD_ARGUMENT;
  Cut cut;
  const int32_t status = prove(shape, weights, bias, &cut);
  if (status) return status;
  const int32_t blocks = (shape->outputs + LANES - 1) / LANES;
  const int32_t parts = cut.weight_digits * cut.input_digits;
  const size_t pairs = ((size_t)shape->inputs + 1) / 2;
  const size_t count = (size_t)blocks * LANES * 2 * pairs * shape->size * shape->size;
  Size size = {0, 0};
  size_add(&size, 1, sizeof(nnc_layer));
  size_add(&size, (size_t)blocks * LANES, sizeof(int64_t));
  size_add(&size, (size_t)blocks * LANES, sizeof(int32_t));
  size_add(&size, count * parts, sizeof(int16_t));
  char *memory = size.overflow ? NULL : nnc_take(size.bytes);
  if (!memory) return NNC_OUT_OF_MEMORY;
  nnc_layer *layer = (nnc_layer *)memory;
  memset(layer, 0, sizeof *layer);
  layer->shape = *shape;
  layer->blocks = blocks;
  layer->part_count = parts;
  layer->convolve = code->convolve;
  memory += (sizeof(nnc_layer) + 63) & ~(size_t)63;
  layer->bias = (int64_t *)memory;
  memory += (size_t)blocks * LANES * sizeof(int64_t);
  layer->narrow_bias = (int32_t *)memory;
  int16_t *at = (int16_t *)(memory + (((size_t)blocks * LANES * sizeof(int32_t) + 63) & ~(size_t)63));
  for (int32_t o = 0; o < blocks * LANES; o++) {
    layer->bias[o] = (o < shape->outputs ? bias[o] : 0) + ((int64_t)1 << (shape->shift - 1));
    layer->narrow_bias[o] = parts == 1 ? (int32_t)layer->bias[o] : 0;
  }
  for (int32_t i = 0; i < parts; i++, at += count) {
    const int32_t high = i / cut.weight_digits, index = i % cut.weight_digits;
    layer->part[i].weights = at;
    layer->part[i].first = high ? (int32_t)(2 * pairs) : 0;
    layer->part[i].shift = high * DIGIT_BITS + index * cut.weight_bits;
    pack(at, layer, weights, &cut, index, code->planar);
  }
  *made = layer;
  return NNC_OK;
}

void nnc_layer_free(nnc_layer *layer) { nnc_give(layer); }

int32_t nnc_layer_parts(const nnc_layer *layer) { return layer->part_count; }
