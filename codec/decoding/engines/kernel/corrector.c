/* The networks that correct the predictions of lossless pixels, and the single errors that they are
 * told (FORMAT.md, section 14.7); codec/networks/lossless/corrector.py computes the same. */
#include "corrector.h"

/* In the order of coding: A, D, B, C. */
static int32_t order_of(int32_t row, int32_t column) {
  return row & 1 ? (column & 1 ? 1 : 3) : (column & 1 ? 2 : 0);
}

/* Whether the channel is known at a place near a pixel when its step is coded. */
static int32_t is_known(const nnc_correction *k, int32_t row, int32_t column) {
  const int32_t own = order_of(k->phase_row, k->phase_column);
  const int32_t there = order_of(k->phase_row + row, k->phase_column + column);
  const int32_t odd = (row / 2 & 1) + (column / 2 & 1);
  return there < own ||
         (there == own && ((k->step == 1 && odd == 2) || (k->step == 2 && odd == 1)));
}

void nnc_find_seen(const nnc_correction *k, Seen *seen) {
  seen->count = 0;
  for (int32_t f = 0; f <= k->channel; f++) {
    for (int32_t n = 0; n <= (2 * REACH + 1) * (2 * REACH + 1); n++) {
      /* The pixel itself, of channels before, comes last. */
      const int32_t itself = n == (2 * REACH + 1) * (2 * REACH + 1);
      const int32_t row = itself ? 0 : n / (2 * REACH + 1) - REACH;
      const int32_t column = itself ? 0 : n % (2 * REACH + 1) - REACH;
      if (itself ? f == k->channel : !is_known(k, row, column)) continue;
      seen->row[seen->count] = row;
      seen->column[seen->count] = column;
      seen->at[seen->count++] = 2 * (COLOURS * ((ptrdiff_t)row * 2 * k->columns + column) + f);
    }
  }
  seen->inputs = 2 * seen->count + TOLD;
  for (int32_t size = 0; size <= TRACE_LIMIT; size++)
    seen->loud[size] = k->log2_table[rescale(10 * size, 6)];
}

void nnc_tell_errors(const nnc_correction *k, const Seen *seen, const int16_t *traces, int32_t row,
                     int32_t column, int16_t *inputs) {
  const int32_t rows = 2 * k->rows, columns = 2 * k->columns;
  const int32_t inside = row >= REACH && row < rows - REACH && column >= REACH &&
                         column < columns - REACH;
  for (int32_t n = 0; n < seen->count; n++) {
    const int32_t y = row + seen->row[n], x = column + seen->column[n];
    const int32_t there = inside || (y >= 0 && y < rows && x >= 0 && x < columns);
    inputs[n] = there ? traces[seen->at[n]] : 0;
  }
  for (int32_t n = 0; n < seen->count; n++)
    inputs[seen->count + n] = seen->loud[size_of(inputs[n])];
}

static int32_t dot(const int16_t *a, const int16_t *b, int32_t count) {
  int32_t sum = 0;
  for (int32_t n = 0; n < count; n++) sum += (int32_t)a[n] * b[n];
  return sum;
}

void nnc_run_network(const nnc_correction *k, int32_t inputs, int16_t *values, int64_t *changes) {
  const int16_t *weights = k->weights;
  for (int32_t n = 0; n < HIDDEN; n++, weights += inputs) {
    const int64_t sum = dot(weights, values + HIDDEN, inputs) + (int64_t)k->bias[n];
    const int64_t out = rescale(sum, k->shifts[0]);
    values[n] = bounded(out < 0 ? rescale(out, 3) : out);
  }
  for (int32_t n = 0; n < OUTPUTS; n++, weights += HIDDEN + inputs) {
    const int64_t sum = dot(weights, values, HIDDEN + inputs) + (int64_t)k->bias[HIDDEN + n];
    changes[n] = clamp(rescale(sum, k->shifts[1]), -LIMIT, LIMIT);
  }
}
