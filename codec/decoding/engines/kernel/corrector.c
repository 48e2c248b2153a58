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
  for (int32_t trace = -TRACE_LIMIT; trace <= TRACE_LIMIT; trace++)
    seen->loud[TRACE_LIMIT + trace] = k->log2_table[rescale(10 * (trace < 0 ? -trace : trace), 6)];
}

void nnc_tell_errors(const nnc_correction *k, const Seen *seen, const int16_t *traces, int32_t row,
                     int32_t column, int16_t *inputs) {
  const int32_t rows = 2 * k->rows, columns = 2 * k->columns, count = seen->count;
  const int16_t *loud = seen->loud + TRACE_LIMIT;
  if (row >= REACH && row < rows - REACH && column >= REACH && column < columns - REACH) {
    for (int32_t n = 0; n < count; n++) {
      const int16_t error = traces[seen->at[n]];
      inputs[n] = error;
      inputs[count + n] = loud[error];
    }
    return;
  }
  for (int32_t n = 0; n < count; n++) {
    const int32_t y = row + seen->row[n], x = column + seen->column[n];
    const int32_t inside = y >= 0 && y < rows && x >= 0 && x < columns;
    inputs[n] = inside ? traces[seen->at[n]] : 0;
    inputs[count + n] = loud[inputs[n]];
  }
}

static int32_t is_layer(const nnc_layer *layer, int32_t inputs, int32_t outputs, int32_t activate) {
  const nnc_shape *shape = &layer->shape;
  return shape->inputs == inputs && shape->outputs == outputs && shape->size == 1 &&
         shape->stride == 1 && shape->limit == LIMIT && shape->activate == activate;
}

int32_t nnc_valid_network(const nnc_correction *k, const Seen *seen) {
  return k->enter && k->leave && is_layer(k->enter, seen->inputs, HIDDEN, 1) &&
         is_layer(k->leave, HIDDEN + seen->inputs, OUTPUTS, 0);
}

void nnc_run_network(const nnc_correction *k, int32_t pixels, int16_t *values, int32_t *changes) {
  const ptrdiff_t pitch = k->leave->shape.inputs;
  const Target hidden = {.narrow = {{values, pitch, 0, LIMIT}}, .narrow_count = 1, .shuffle = 1};
  const Target out = {.wide = {changes, OUTPUTS, 0}, .bound = LIMIT, .shuffle = 1};
  k->enter->convolve(k->enter, (Source){values + HIDDEN, pitch, 0}, &hidden, 0, 0, 1, pixels);
  k->leave->convolve(k->leave, (Source){values, pitch, 0}, &out, 0, 0, 1, pixels);
}
