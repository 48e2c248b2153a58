/* The adaptive stage of the lossless mode (FORMAT.md, section 14.7); codec/networks/lossless/
 * correction.py computes the same and says why. */
#include "corrector.h"

#define SAID 4 /* own, mean, raw scale, raw odds */
#define PAIRS 3 /* after count, size and sum */
#define SLOPE_LIMIT 1024
#define SLOPE_BITS 10
#define RIDGE 8192
#define FRACTIONS 8
#define SCALES 41
#define ODDS 4
#define MOST_SIDE (1 << 20)
#define TOGETHER 48 /* pixels: what the first cache holds of them, a multiple of what tiles hold */

enum { OWN, MEAN, SCALE, LOG_ODDS };
enum { COUNT, SIZE, SUM };

/* Rounded to the nearest. All that is divided is below 2^46, so a quotient that is no integer is
 * further from the next one than a double rounds: the division is exact, and faster than that of
 * integers of 64 bits. */
static int64_t quotient(int64_t above, int64_t below) {
  const int64_t size = (above < 0 ? -above : above) + below / 2;
  const int64_t whole = (int64_t)((double)size / (double)below);
  return above < 0 ? -whole : whole;
}

static int64_t scale_index(int64_t raw) { return clamp(rescale(raw + 1280, 6), 0, SCALES - 1); }

/* 1024 times the scale and 0.3 pixel values. */
static int64_t width_of(int64_t raw) {
  static const int64_t mantissas[] = {64, 76, 91, 108};
  const int64_t quarters = scale_index(raw);
  return 307 + (mantissas[quarters & 3] << (quarters >> 2));
}

static int16_t trace(int64_t difference, int64_t width) {
  return (int16_t)clamp(quotient(2048 * difference, width), -TRACE_LIMIT, TRACE_LIMIT);
}

static int32_t valid(const nnc_correction *k) {
  return k->rows >= 1 && k->rows <= MOST_SIDE && k->columns >= 1 && k->columns <= MOST_SIDE &&
         k->height >= 0 && k->height <= k->rows && k->width >= 0 && k->width <= k->columns &&
         k->phase_row >= 0 && k->phase_row <= 1 && k->phase_column >= 0 && k->phase_column <= 1 &&
         k->channel >= 0 && k->channel < COLOURS && k->step >= 0 && k->step < 3 && k->sums &&
         k->traces && k->log2_table;
}

/* The columns of a step in a row: first, first + 2, ...; false if it has none. */
static int32_t has_row(const nnc_correction *k, int32_t y, int32_t *first) {
  *first = k->step == 0 ? 0 : k->step == 1 ? 1 : 1 - (y & 1);
  return k->step == 2 || (y & 1) == k->step;
}

/* The error and the move of channel 0 at a position of the phase. */
static int16_t *traces_at(const nnc_correction *k, ptrdiff_t y, ptrdiff_t x) {
  const ptrdiff_t row = 2 * y + k->phase_row, column = 2 * x + k->phase_column;
  return k->traces + 2 * COLOURS * (row * 2 * k->columns + column);
}

static const int32_t *said_at(const nnc_correction *k, ptrdiff_t y, ptrdiff_t x) {
  return k->said + SAID * (y * k->columns + x);
}

static int16_t move_of(const int32_t *said) {
  return trace((int64_t)said[OWN] - said[MEAN], width_of(said[SCALE]));
}

/* Sums of a row and those around it: 1 1 1 of them (near), and 1 2 3 2 1 (wide), `count` at each
 * position. */
typedef struct {
  int32_t count, *near, *wide;
} Lines;

static void add_rows(const nnc_correction *k, int32_t y, const Lines *lines) {
  const ptrdiff_t row = (ptrdiff_t)k->columns * lines->count;
  int32_t *near = lines->near, *wide = lines->wide;
  memset(near, 0, sizeof(int32_t) * (size_t)row);
  memset(wide, 0, sizeof(int32_t) * (size_t)row);
  for (int32_t d = -2; d <= 2; d++) {
    if (y + d < 0 || y + d >= k->rows) continue;
    const int32_t *from = k->sums + (y + d) * row, weight = 3 - (d < 0 ? -d : d);
    for (ptrdiff_t n = 0; n < row; n++) wide[n] += weight * from[n];
    for (ptrdiff_t n = 0; n < row && weight > 1; n++) near[n] += from[n];
  }
}

/* The same of columns, at one position; rows have two columns of zeros on each side. */
static void add_columns(const Lines *lines, ptrdiff_t x, int64_t *total) {
  const int32_t count = lines->count;
  const int32_t *near = lines->near + x * count, *wide = lines->wide + x * count;
  for (int32_t c = 0; c < PAIRS; c++)
    total[c] = (int64_t)near[c - count] + near[c] + near[c + count];
  for (int32_t c = PAIRS; c < count; c++)
    total[c] = (int64_t)wide[c - 2 * count] + 2 * wide[c - count] + 3 * wide[c] +
               2 * wide[c + count] + wide[c + 2 * count];
}

/* All that is no single error. */
static void tell_rest(const nnc_correction *k, const Seen *seen, const int32_t *said,
                      const int16_t *traces, const int64_t *total, int16_t *inputs) {
  const int16_t move = traces[2 * k->channel + 1];
  int64_t told[COLOURS], across = 0;
  for (int32_t f = 0; f <= k->channel; f++) {
    const int64_t *pair = total + PAIRS + 2 * f;
    const int64_t slope = clamp(quotient(pair[0] * (1 << SLOPE_BITS), pair[1] + RIDGE),
                                -SLOPE_LIMIT, SLOPE_LIMIT);
    told[f] = slope * (f == k->channel ? move : traces[2 * f]);
    if (f < k->channel) across += told[f];
  }
  const int64_t drift = quotient(total[SUM] * (1 << SLOPE_BITS), total[COUNT] + 1);
  const int64_t sizes = k->log2_table[rescale(10 * total[SIZE], 6)];
  inputs[0] = move;
  inputs[1] = seen->loud[TRACE_LIMIT + move];
  inputs[2] = bounded(rescale(across, 8));
  inputs[3] = bounded(rescale(told[k->channel], 8));
  inputs[4] = bounded(rescale(drift, 8));
  inputs[5] = bounded(sizes - k->log2_table[10 * total[COUNT]]);
  inputs[6] = bounded(said[SCALE]);
  inputs[7] = bounded(said[LOG_ODDS]);
}

/* What one pixel is coded with. */
static void settle(const int32_t *corrected, int32_t *whole, uint16_t *table) {
  const int64_t eighths = rescale(corrected[0], 2), floor = (eighths + FRACTIONS / 2) >> 3;
  const int64_t fraction = eighths - FRACTIONS * floor + FRACTIONS / 2;
  const int64_t odds = clamp(rescale(3 * ((int64_t)corrected[2] + 512), 10), 0, ODDS - 1);
  *whole = (int32_t)floor;
  *table = (uint16_t)((odds * SCALES + scale_index(corrected[1])) * FRACTIONS + fraction);
}

/* Where the next pixels of a step are said. */
typedef struct {
  int32_t *corrected, *whole;
  uint16_t *table;
} Expected;

/* Pixels of a row, every other one from x on. */
static void expect_some(const nnc_correction *k, const Seen *seen, const Lines *lines, int32_t y,
                        ptrdiff_t x, int32_t pixels, Expected *out) {
  const int32_t pitch = HIDDEN + seen->inputs, row = 2 * y + k->phase_row;
  int16_t values[TOGETHER * MOST_VALUES], *inputs = values + HIDDEN;
  int32_t changes[TOGETHER * OUTPUTS], *change = changes;
  for (int32_t n = 0; n < pixels; n++, inputs += pitch) {
    const ptrdiff_t at = x + 2 * n;
    const int32_t *said = said_at(k, y, at);
    int16_t *traces = traces_at(k, y, at);
    int64_t total[PAIRS + 2 * COLOURS];
    traces[2 * k->channel + 1] = move_of(said);
    add_columns(lines, at, total);
    nnc_tell_errors(k, seen, traces, row, 2 * (int32_t)at + k->phase_column, inputs);
    tell_rest(k, seen, said, traces, total, inputs + 2 * seen->count);
  }
  nnc_run_network(k, pixels, values, changes);
  for (int32_t n = 0; n < pixels; n++, change += OUTPUTS, out->corrected += OUTPUTS) {
    const int32_t *said = said_at(k, y, x + 2 * n);
    const int64_t moved = rescale(change[0] * width_of(said[SCALE]), 13);
    out->corrected[0] = (int32_t)(said[MEAN] + moved);
    out->corrected[1] = said[SCALE] + change[1];
    out->corrected[2] = said[LOG_ODDS] + change[2];
    settle(out->corrected, out->whole++, out->table++);
  }
}

int32_t nnc_expect(const nnc_correction *k, int32_t *corrected, int32_t *whole, uint16_t *table) {
  Seen seen;
  if (!valid(k) || !k->said) return NNC_BAD_ARGUMENT;
  nnc_find_seen(k, &seen);
  if (!nnc_valid_network(k, &seen)) return NNC_BAD_ARGUMENT;
  const int32_t count = PAIRS + 2 * (k->channel + 1);
  Size size = {0, 0};
  const size_t line = ((size_t)k->columns + 4) * (size_t)count;
  size_add(&size, 2 * line, sizeof(int32_t));
  int32_t *memory = size.overflow ? NULL : nnc_take(size.bytes);
  if (!memory) return NNC_OUT_OF_MEMORY;
  memset(memory, 0, size.bytes);
  const Lines lines = {count, memory + 2 * count, memory + 2 * count + line};
  Expected out = {corrected, whole, table};
  for (int32_t y = 0; y < k->height; y++) {
    int32_t first;
    if (!has_row(k, y, &first)) continue;
    add_rows(k, y, &lines);
    for (int32_t x = first; x < k->width; x += 2 * TOGETHER) {
      const int32_t left = (k->width - x + 1) / 2;
      expect_some(k, &seen, &lines, y, x, left < TOGETHER ? left : TOGETHER, &out);
    }
  }
  nnc_give(memory);
  return NNC_OK;
}

/* Adds what one pixel tells to the products of its channel. */
static void add_products(const int16_t *traces, int32_t c, int32_t *pairs) {
  const int32_t error = traces[2 * c];
  for (int32_t f = 0; f <= c; f++) {
    const int32_t feature = f == c ? traces[2 * f + 1] : traces[2 * f];
    pairs[2 * f] += feature * error;
    pairs[2 * f + 1] += feature * feature;
  }
}

int32_t nnc_begin(const nnc_correction *k) {
  if (!valid(k)) return NNC_BAD_ARGUMENT;
  const int32_t count = PAIRS + 2 * (k->channel + 1);
  int32_t *sums = k->sums;
  for (ptrdiff_t y = 0; y < k->rows; y++)
    for (ptrdiff_t x = 0; x < k->columns; x++, sums += count)
      add_products(k->traces + 2 * COLOURS * (2 * y * 2 * k->columns + 2 * x), k->channel,
                   sums + PAIRS);
  return NNC_OK;
}

int32_t nnc_learn(const nnc_correction *k, const int32_t *found) {
  if (!valid(k) || !k->said || !k->pixels) return NNC_BAD_ARGUMENT;
  const int32_t c = k->channel, count = PAIRS + 2 * (c + 1);
  for (int32_t y = 0; y < k->height; y++) {
    int32_t first;
    if (!has_row(k, y, &first)) continue;
    for (ptrdiff_t x = first; x < k->width; x += 2) {
      int16_t *traces = traces_at(k, y, x);
      const int32_t *said = said_at(k, y, x);
      const int32_t pixel = *found++;
      const int32_t error = trace(32 * (int64_t)pixel - said[MEAN], width_of(said[SCALE]));
      int32_t *sums = k->sums + count * (y * (ptrdiff_t)k->columns + x);
      traces[2 * c] = (int16_t)error;
      sums[COUNT] += 1;
      sums[SIZE] += error < 0 ? -error : error;
      sums[SUM] += error;
      add_products(traces, c, sums + PAIRS);
      k->pixels[y * k->width + x] = pixel;
    }
  }
  return NNC_OK;
}
