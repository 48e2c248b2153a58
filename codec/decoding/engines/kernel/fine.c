/* The bits of samples beyond the first eight (FORMAT.md, section 14.8): every bit is mixed from what
 * several adaptive contexts say of it, and coded. One walk serves both directions. */
#include <stddef.h>

#include "internal.h"

#define MOST_BITS 8
#define FRACTION 16 /* predictions count in parts of a sample value */
#define WEIGHT_SHIFT 10
#define MOST_MOVE (1 << 21)
#define MOST_ERROR (1 << 20)
#define NEAR 10
#define ACROSS 6
#define PREDICTIONS 2
#define SCALES 32
#define SIDES 33
#define THIRDS 11 /* of SIDES */
#define STEPS 17
#define VOICES 5
#define CERTAINTIES 4
#define LOUDEST 3071
#define MIX_BITS 16
#define MIX_LIMIT (1 << 20)
#define PACE 14
#define COUNT_BITS 10
#define COUNT_MASK ((1u << COUNT_BITS) - 1)
#define MOST_COUNT 1022
#define MOST_COUNT_OF_NODES 254
#define CERTAIN ((1 << 22) - 1)
#define PAST_END 16
#define RANGE_FLOOR ((uint64_t)1 << 24)

/* Places of the samples around one, and what is known of the one itself. */
typedef struct {
  ptrdiff_t at, near[NEAR];
  int32_t means[PREDICTIONS], scales[PREDICTIONS + 1];
} Place;

static int32_t log2_quarters(uint32_t value) {
  int32_t whole = 31 - __builtin_clz(value);
  uint32_t top = whole >= 2 ? value >> (whole - 2) : value << (2 - whole);
  return 4 * whole + (int32_t)(top & 3);
}

static int32_t scale_class(int32_t scale, int32_t bit) {
  int32_t quarters = log2_quarters((uint32_t)scale + 1) - 4 * (bit + 4) + SCALES / 2;
  return (int32_t)clamp(quarters, 0, SCALES - 1);
}

/* Which side of the middle a mean is, and how far, in units of the scale. */
static int32_t side_of(int32_t mean, int32_t middle, int32_t scale) {
  static const int32_t from[STEPS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 20, 28, 48};
  int64_t away = mean > middle ? (int64_t)mean - middle : (int64_t)middle - mean;
  int64_t quarters = 4 * away / (scale + 1);
  int32_t step = quarters < 12 ? (int32_t)quarters : 12;
  while (step + 1 < STEPS && from[step + 1] <= quarters) step++;
  return mean > middle ? SIDES / 2 + step : SIDES / 2 - step;
}

static void adapt(const nnc_rest *k, uint32_t *state, int32_t bit, uint32_t most) {
  uint32_t count = *state & COUNT_MASK;
  int64_t probability = *state >> COUNT_BITS;
  probability += ((bit ? CERTAIN : 0) - probability) * k->rates[count] >> 16;
  *state = (uint32_t)probability << COUNT_BITS | (count < most ? count + 1 : most);
}

static void write_bit(const nnc_rest *k, nnc_rest_coder *coder, int32_t bit, uint64_t ones) {
  if (bit) {
    coder->range = ones;
  } else {
    coder->point += ones;
    coder->range -= ones;
  }
  if (coder->point >> 32) {
    coder->point &= 0xFFFFFFFF;
    for (int64_t place = coder->place; place > 0 && ++k->data[--place] == 0;) {
    }
  }
  while (coder->range < RANGE_FLOOR) {
    k->data[coder->place++] = (uint8_t)(coder->point >> 24);
    coder->point = coder->point << 8 & 0xFFFFFFFF;
    coder->range <<= 8;
  }
}

static int32_t read_bit(const nnc_rest *k, nnc_rest_coder *coder, uint64_t ones) {
  int32_t bit = coder->point < ones;
  if (bit) {
    coder->range = ones;
  } else {
    coder->point -= ones;
    coder->range -= ones;
  }
  while (coder->range < RANGE_FLOOR) {
    uint8_t next = coder->place < k->size ? k->data[coder->place] : 0;
    coder->point = coder->point << 8 | next;
    coder->range <<= 8;
    coder->place++;
  }
  return bit;
}

static void find_near(const nnc_rest *k, int32_t i, int32_t j, Place *place) {
  ptrdiff_t width = k->width;
  ptrdiff_t row = i * width, above = i > 0 ? row - width : row, far = i > 1 ? above - width : above;
  ptrdiff_t below = i + 1 < k->height ? row + width : row;
  int32_t west = j > 0 ? j - 1 : j, east = j + 1 < k->width ? j + 1 : j;
  ptrdiff_t near[NEAR] = {row + west,  above + west, above + j, above + east,
                          row + (west > 0 ? west - 1 : west),    far + j,
                          row + east,  below + west, below + j, below + east};
  place->at = row + j;
  for (int32_t n = 0; n < NEAR; n++) place->near[n] = near[n];
}

/* What the weights of a channel say; returns where those of the next begin. */
static const int16_t *predict(const nnc_rest *k, int32_t channel, const int16_t *weight,
                              Place *place) {
  static const int32_t across[ACROSS] = {0, 1, 2, 3, 6, 8};
  ptrdiff_t plane = (ptrdiff_t)k->width * k->height;
  int32_t half = 1 << (k->bits - 1);
  const int32_t *own = k->values + channel * plane, *green = k->values;
  const ptrdiff_t *near = place->near, at = place->at;
  int64_t sum = 0;
  for (int32_t n = 0; n < NEAR; n++) sum += (int64_t)*weight++ * (own[near[n]] - own[at]);
  for (int32_t f = 0; f < channel; f++) {
    const int32_t *other = k->values + f * plane;
    int32_t middle = (other[at] & -2 * half) + half;
    sum += (int64_t)*weight++ * (other[at] - middle);
    for (int32_t n = 0; n < ACROSS; n++)
      sum += (int64_t)*weight++ * (other[near[across[n]]] - middle);
  }
  int64_t move = clamp(rescale(sum, WEIGHT_SHIFT), -MOST_MOVE, MOST_MOVE);
  place->means[0] = FRACTION * own[at] + (int32_t)move;
  int32_t west = own[near[0]], corner = own[near[1]], north = own[near[2]];
  int32_t least = west < north ? west : north, most = west < north ? north : west;
  if (channel)
    place->means[1] = FRACTION * green[at] +
                      FRACTION / 2 * (west - green[near[0]] + north - green[near[2]]);
  else
    place->means[1] = FRACTION * (corner >= most    ? least
                                  : corner <= least ? most
                                                    : west + north - corner);
  return weight;
}

static void find_scales(const nnc_rest *k, int32_t channel, Place *place) {
  ptrdiff_t plane = (ptrdiff_t)k->width * k->height, before = PREDICTIONS * plane;
  const ptrdiff_t *near = place->near, at = place->at;
  const int32_t *first = k->errors + channel * before;
  for (int32_t m = 0; m < PREDICTIONS; m++) {
    const int32_t *e = first + m * plane;
    int32_t total = 2 * (e[near[0]] + e[near[2]]) + e[near[1]] + e[near[3]];
    total += channel ? 2 * e[at - before] : e[near[4]] + e[near[5]];
    place->scales[m] = total >> 3;
  }
  int32_t one = channel ? first[at - before] : first[near[0]];
  int32_t two = channel == 2 ? first[at - 2 * before] : first[near[channel ? 0 : 2]];
  place->scales[2] = (one + two) >> 1;
}

/* Codes the bits of a value, and returns it. */
static int32_t code_value(const nnc_rest *k, nnc_rest_coder *coder, int32_t channel,
                          const Place *place, int32_t value, int32_t wanted) {
  int32_t depth = 8 + k->bits;
  uint32_t *contexts = k->contexts + (ptrdiff_t)channel * (VOICES - 1) * SCALES * SIDES;
  uint32_t *nodes = k->nodes + ((ptrdiff_t)channel << depth);
  const int32_t *means = place->means, *scales = place->scales;
  for (int32_t n = k->bits - 1; n >= 0; n--) {
    int32_t middle = FRACTION * (value + (1 << n)) - FRACTION / 2;
    int32_t scale = scale_class(scales[0], n), side = side_of(means[0], middle, scales[0]);
    int32_t scale_1 = scale_class(scales[1], n), side_1 = side_of(means[1], middle, scales[1]);
    int32_t scale_2 = scale_class(scales[2], n), side_2 = side_of(means[0], middle, scales[2]);
    uint32_t *voices[VOICES] = {
        contexts + scale * SIDES + side,
        contexts + (SCALES + scale_2) * SIDES + side_2,
        contexts + (2 * SCALES + scale_1) * SIDES + side_1,
        contexts + 3 * SCALES * SIDES + ((scale >> 2) * THIRDS + side / 3) * THIRDS + side_1 / 3,
        nodes + (1 << (depth - 1 - n) | value >> (n + 1)),
    };
    uint32_t seen = *voices[VOICES - 1] & COUNT_MASK;
    int32_t certainty = (seen >= 2) + (seen >= 8) + (seen >= 64);
    int32_t *mix = k->mixes + ((channel * SCALES + scale) * CERTAINTIES + certainty) * VOICES;
    int32_t heard[VOICES];
    int64_t loud = 0;
    for (int32_t v = 0; v < VOICES; v++) {
      heard[v] = k->stretch[*voices[v] >> 20];
      loud += (int64_t)mix[v] * heard[v];
    }
    int32_t probability = k->squash[clamp(loud >> MIX_BITS, -LOUDEST, LOUDEST) + LOUDEST];
    uint64_t ones = (coder->range >> 16) * (uint64_t)probability;
    int32_t bit = wanted >> n & 1;
    if (k->writes)
      write_bit(k, coder, bit, ones);
    else
      bit = read_bit(k, coder, ones);
    int64_t error = (bit << 16) - probability;
    for (int32_t v = 0; v < VOICES; v++) {
      mix[v] = (int32_t)clamp(mix[v] + (heard[v] * error >> PACE), -MIX_LIMIT, MIX_LIMIT);
      adapt(k, voices[v], bit, v == VOICES - 1 ? MOST_COUNT_OF_NODES : MOST_COUNT);
    }
    value += bit << n;
  }
  return value;
}

int32_t nnc_rest_row(const nnc_rest *k, nnc_rest_coder *coder, int32_t row) {
  if (k->bits < 1 || k->bits > MOST_BITS || k->width < 1 || row < 0 || row >= k->height ||
      (k->channels != 1 && k->channels != 3))
    return NNC_BAD_ARGUMENT;
  ptrdiff_t plane = (ptrdiff_t)k->width * k->height;
  Place place;
  for (int32_t j = 0; j < k->width; j++) {
    find_near(k, row, j, &place);
    const int16_t *weight = k->weights;
    for (int32_t c = 0; c < k->channels; c++) {
      weight = predict(k, c, weight, &place);
      find_scales(k, c, &place);
      int32_t *value = k->values + c * plane + place.at;
      int32_t wanted = k->writes ? k->wanted[c * plane + place.at] : 0;
      *value = code_value(k, coder, c, &place, *value - (1 << (k->bits - 1)), wanted);
      for (int32_t m = 0; m < PREDICTIONS; m++) {
        int32_t away = FRACTION * *value - place.means[m];
        k->errors[(PREDICTIONS * c + m) * plane + place.at] =
            (int32_t)clamp(away < 0 ? -away : away, 0, MOST_ERROR);
      }
    }
    if (!k->writes && coder->place > k->size + PAST_END) return NNC_CUT_SHORT;
  }
  return NNC_OK;
}
