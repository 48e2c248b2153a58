/* Instructions. Parameters of those that are not convolutions:
 *
 * MAP       first channel of the source, channels, row and column beside which the source is read
 *           (where there is one: else at the border), shifts to the left of source and plus, loud:
 *           source - plus - constants[bias ...] -> wide and narrow[0]; if loud, instead
 *           log2_table[min(rescale(abs(that), 3), 4095)]
 * PIXELS    source -> wide: rescale(value, 4) + 128 in 0..255, job->width x job->height of them
 * FEATURES  first channel, channels, constants: reciprocal of the model's channel 0 on, of the level
 * DIGITS    limit of the latents
 * PREDICT   first channel, channels, constants: four for each of the model's channels (deviation,
 *           usual scale less that of the step, gain, offset), scales, constants: the quality's step
 *           times 2^(k/8) for k = -8..8
 * SETTLE    first channel, channels
 *
 * PREDICT_PIXELS and SETTLE_PIXELS: see lossless.c.
 */
#include "program.h"

#define NORMALIZED_LIMIT 4096
#define MAGNITUDE_LIMIT 4095
#define GAIN_BITS 11
#define STEP_LIMIT 8
#define SHAPES 4

static int32_t has_constants(const nnc_job *job, int64_t first, int64_t count) {
  return first >= 0 && count >= 0 && first <= job->constant_count - count;
}

/* An array as seen at the positions of a phase, or all of it. */
static Array view(const Array *a, int32_t bytes, int32_t phased, const nnc_step *step) {
  Array v = *a;
  if (!phased) return v;
  v.origin = (char *)a->origin + element(a, step->phase_row, step->phase_column) * bytes;
  v.row *= 2;
  v.pixel *= 2;
  v.rows /= 2;
  v.columns /= 2;
  return v;
}

static int32_t conv(const nnc_program *p, const nnc_instruction *i, const nnc_job *job,
                    const nnc_step *step, const Array *arrays, Rows rows, int32_t blank) {
  const nnc_layer *layer = p->layers[i->layer];
  const nnc_shape *shape = &layer->shape;
  const Array *from = &arrays[i->source];
  const int32_t phased = i->flags & NNC_SOURCE_PHASE ? 1 : 0;
  const ptrdiff_t corner = -(shape->size / 2);
  Source source = {(const int16_t *)from->origin +
                       element(from, corner + phased * step->phase_row, corner + phased * step->phase_column),
                   from->pixel, from->row};
  Target t = {.shuffle = i->shuffle, .add = i->flags & NNC_ADD, .bound = i->bound};
  int32_t bias[MOST_CHANNELS];
  if (i->bias >= 0) {
    if (!has_constants(job, i->bias, shape->outputs)) return NNC_BAD_ARGUMENT;
    for (int32_t o = 0; o < shape->outputs; o++)
      bias[o] = (int32_t)clamp(job->constants[i->bias + o], -(1 << 28), 1 << 28);
    t.bias = bias;
  }
  if (i->plus >= 0) {
    const int32_t bits = p->registers[i->plus].bits;
    const Array v = view(&arrays[i->plus], bits / 8, i->flags & NNC_PLUS_PHASE, step);
    if (bits == 32)
      t.plus = (Wide){v.origin, v.pixel, v.row};
    else
      t.narrow_plus = (Narrow){v.origin, v.pixel, v.row, 0};
  }
  const int32_t at_phase = i->flags & NNC_TARGET_PHASE;
  if (i->wide >= 0) {
    const Array v = view(&arrays[i->wide], 4, at_phase, step);
    t.wide = (Wide){v.origin, v.pixel, v.row};
  }
  for (int32_t n = 0; n < 2; n++)
    if (i->narrow[n].target >= 0) {
      const Array v = view(&arrays[i->narrow[n].target], 2, at_phase, step);
      t.narrow[t.narrow_count++] =
          (Narrow){(int16_t *)v.origin + i->narrow[n].first, v.pixel, v.row, i->narrow[n].limit};
    }
  /* A source at a phase is one position short on the right, where there is a pad. */
  layer->convolve(layer, source, &t, blank, rows.first, rows.last,
                  from->columns / shape->stride);
  return NNC_OK;
}

/* A line of integers of 16 or 32 bits. */
static void read_line(const nnc_program *p, int32_t from, const Array *a, ptrdiff_t y, ptrdiff_t x,
                      int32_t first, int32_t count, int32_t shift, int32_t *to) {
  if (p->registers[from].bits == 32) {
    const int32_t *value = (const int32_t *)a->origin + element(a, y, x) + first;
    for (int32_t c = 0; c < count; c++) to[c] = (int32_t)((uint32_t)value[c] << shift);
  } else {
    const int16_t *value = (const int16_t *)a->origin + element(a, y, x) + first;
    for (int32_t c = 0; c < count; c++) to[c] = (int32_t)((uint32_t)value[c] << shift);
  }
}

static int32_t map(const nnc_program *p, const nnc_instruction *i, const nnc_job *job,
                   const Array *arrays, Rows rows) {
  const int32_t *a = i->parameters, count = a[1], limit = i->narrow[0].limit;
  const Array *from = &arrays[i->source];
  int32_t value[MOST_CHANNELS], other[MOST_CHANNELS];
  if ((i->bias >= 0 && !has_constants(job, i->bias, count)) || (a[6] && !job->log2_table))
    return NNC_BAD_ARGUMENT;
  for (ptrdiff_t y = rows.first; y < rows.last; y++)
    for (ptrdiff_t x = 0; x < from->columns; x++) {
      read_line(p, i->source, from, clamp(y + a[2], 0, from->rows - 1),
                clamp(x + a[3], 0, from->columns - 1), a[0], count, a[4], value);
      if (i->plus >= 0) {
        read_line(p, i->plus, &arrays[i->plus], y, x, 0, count, a[5], other);
        for (int32_t c = 0; c < count; c++) value[c] -= other[c];
      }
      if (i->bias >= 0)
        for (int32_t c = 0; c < count; c++) value[c] -= (int32_t)job->constants[i->bias + c];
      if (a[6])
        for (int32_t c = 0; c < count; c++) {
          const int64_t size = value[c] < 0 ? -(int64_t)value[c] : value[c];
          value[c] = job->log2_table[clamp(rescale(size, 3), 0, MAGNITUDE_LIMIT)];
        }
      if (i->wide >= 0) {
        const Array *to = &arrays[i->wide];
        memcpy((int32_t *)to->origin + element(to, y, x), value, sizeof(int32_t) * count);
      }
      if (i->narrow[0].target < 0) continue;
      const Array *to = &arrays[i->narrow[0].target];
      int16_t *narrow = (int16_t *)to->origin + element(to, y, x) + i->narrow[0].first;
      for (int32_t c = 0; c < count; c++)
        narrow[c] = (int16_t)(value[c] < -limit ? -limit : value[c] > limit ? limit : value[c]);
    }
  return NNC_OK;
}

/* Repeats the border of an array in its pads. */
static void edges(const nnc_program *p, const nnc_instruction *i, const Array *arrays, Rows rows) {
  const Array *to = &arrays[i->narrow[0].target];
  const int32_t pad = p->registers[i->narrow[0].target].pad;
  const size_t width = (size_t)to->pixel * sizeof(int16_t), line = (size_t)to->row * sizeof(int16_t);
  int16_t *origin = to->origin;
  for (ptrdiff_t y = rows.first; y < rows.last; y++)
    for (int32_t n = 1; n <= pad && y >= 0 && y < to->rows; n++) {
      memcpy(origin + element(to, y, -n), origin + element(to, y, 0), width);
      memcpy(origin + element(to, y, to->columns - 1 + n), origin + element(to, y, to->columns - 1),
             width);
    }
  for (ptrdiff_t y = rows.first; y < rows.last; y++)
    if (y < 0 || y >= to->rows)
      memcpy(origin + element(to, y, -pad), origin + element(to, y < 0 ? 0 : to->rows - 1, -pad),
             line);
}

/* Rows of 2 x 2 pixels. */
static int32_t pixels(const nnc_instruction *i, const nnc_job *job, const Array *arrays, Rows rows) {
  const Array *from = &arrays[i->source];
  uint8_t *picture = job->external[i->wide];
  if (job->width < 1 || (job->width + 1) / 2 > from->columns || job->height < 1 ||
      (job->height + 1) / 2 > from->rows)
    return NNC_BAD_ARGUMENT;
  for (ptrdiff_t y = 2 * rows.first; y < 2 * rows.last && y < job->height; y++) {
    uint8_t *to = picture + (size_t)y * job->width * 3;
    const int32_t *line = (const int32_t *)from->origin + element(from, y / 2, 0) + 6 * (y % 2);
    for (ptrdiff_t x = 0; x < job->width; x++, to += 3) {
      const int32_t *value = line + (x / 2) * from->pixel + 3 * (x % 2);
      for (int32_t c = 0; c < 3; c++) {
        const int32_t level = ((value[c] < INT32_MAX - 8 ? value[c] + 8 : value[c]) >> 4) + 128;
        to[c] = (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
      }
    }
  }
  return NNC_OK;
}

static int32_t features(const nnc_instruction *i, const nnc_job *job, const nnc_step *step,
                        const Array *arrays, Rows rows) {
  const Array from = view(&arrays[i->source], 8, i->flags & NNC_SOURCE_PHASE, step);
  const int32_t first = i->parameters[0], count = i->parameters[1];
  const Array *to = &arrays[i->narrow[0].target];
  const int32_t logs = i->narrow[1].target >= 0;
  const Array *logs_to = logs ? &arrays[i->narrow[1].target] : NULL;
  const int32_t limit = i->narrow[0].limit < NORMALIZED_LIMIT ? i->narrow[0].limit : NORMALIZED_LIMIT;
  if (!has_constants(job, (int64_t)i->parameters[2] + first, count) ||
      (logs && (!job->log2_table || !has_constants(job, i->parameters[3], 1))))
    return NNC_BAD_ARGUMENT;
  const int64_t *reciprocal = job->constants + i->parameters[2] + first;
  const int64_t per_step = logs ? job->constants[i->parameters[3]] : 0;
  for (ptrdiff_t y = rows.first; y < rows.last; y++)
    for (ptrdiff_t x = 0; x < from.columns; x++) {
      const int64_t *latent = (const int64_t *)from.origin + element(&from, y, x) + first;
      int16_t *normalized = (int16_t *)to->origin + element(to, y, x) + i->narrow[0].first;
      for (int32_t c = 0; c < count; c++)
        normalized[c] = (int16_t)clamp(rescale(latent[c] * reciprocal[c], 14), -limit, limit);
      if (!logs) continue;
      int16_t *magnitude = (int16_t *)logs_to->origin + element(logs_to, y, x) + i->narrow[1].first;
      for (int32_t c = 0; c < count; c++) {
        const int64_t size = latent[c] < 0 ? -latent[c] : latent[c];
        const int64_t steps = clamp(rescale(size * per_step, 24), 0, MAGNITUDE_LIMIT);
        magnitude[c] = (int16_t)clamp(job->log2_table[steps], -i->narrow[1].limit, i->narrow[1].limit);
      }
    }
  return NNC_OK;
}

static void digits(const nnc_program *p, const nnc_instruction *i, const Array *arrays, Rows rows) {
  const Array *from = &arrays[i->source], *to = &arrays[i->narrow[0].target];
  const int32_t channels = p->registers[i->source].channels, even = (channels + 1) / 2 * 2;
  const int64_t limit = i->parameters[0];
  for (ptrdiff_t y = rows.first; y < rows.last; y++)
    for (ptrdiff_t x = 0; x < from->columns; x++) {
      const int64_t *latent = (const int64_t *)from->origin + element(from, y, x);
      int16_t *low = (int16_t *)to->origin + element(to, y, x), *high = low + even;
      low[even - 1] = high[even - 1] = 0;
      for (int32_t c = 0; c < channels; c++) {
        const int32_t value = (int32_t)clamp(latent[c], -limit, limit);
        const int32_t half = 1 << (DIGIT_BITS - 1);
        low[c] = (int16_t)(((value + half) & (2 * half - 1)) - half);
        high[c] = (int16_t)((value - low[c]) >> DIGIT_BITS);
      }
    }
}

/* Symbols of a channel stand together, row by row, those of the picture only. */
typedef struct {
  int32_t rows, columns;
} Symbols;

static Symbols symbols_of(const nnc_job *job, const nnc_step *step) {
  return (Symbols){(job->height - step->phase_row + 1) / 2,
                   (job->width - step->phase_column + 1) / 2};
}

static int32_t predict(const nnc_instruction *i, const nnc_job *job, const nnc_step *step,
                       const Array *arrays, Rows rows) {
  const Array *from = &arrays[i->source];
  const int32_t first = i->parameters[0], count = i->parameters[1], scales = i->parameters[3];
  if (!job->means || !job->steps || !job->tables || scales < 1 || scales > UINT16_MAX / SHAPES ||
      !has_constants(job, i->parameters[2] + 4 * (int64_t)first, 4 * (int64_t)count) ||
      !has_constants(job, i->parameters[4], 2 * STEP_LIMIT + 1))
    return NNC_BAD_ARGUMENT;
  const Symbols inside = symbols_of(job, step);
  const int64_t *constants = job->constants + i->parameters[2] + 4 * (int64_t)first;
  const int64_t *sizes = job->constants + i->parameters[4] + STEP_LIMIT;
  for (ptrdiff_t y = rows.first; y < rows.last && y < inside.rows; y++)
    for (int32_t c = 0; c < count; c++) {
      const int64_t *k = constants + 4 * c;
      const int64_t place = step->place + ((int64_t)c * inside.rows + y) * inside.columns;
      const int32_t *raw = (const int32_t *)from->origin + element(from, y, 0) + c;
      for (ptrdiff_t x = 0; x < inside.columns; x++, raw += from->pixel) {
        const int64_t said = rescale(raw[count] * k[2] + k[3], GAIN_BITS);
        const int64_t eighths = clamp(rescale(raw[2 * count], 5), -STEP_LIMIT, STEP_LIMIT);
        const int64_t shape = clamp(rescale(raw[3 * count], 8), 0, SHAPES - 1);
        const int64_t scale = clamp(rescale(said + k[1] - 32 * eighths, 6), 0, scales - 1);
        job->means[place + x] = rescale(raw[0] * k[0], 10);
        job->steps[place + x] = sizes[eighths];
        job->tables[place + x] = (uint16_t)(shape * scales + scale);
      }
    }
  return NNC_OK;
}

static int32_t settle(const nnc_instruction *i, const nnc_job *job, const nnc_step *step,
                      const Array *arrays, Rows rows) {
  const Array to = view(&arrays[i->wide], 8, i->flags & NNC_TARGET_PHASE, step);
  const int32_t first = i->parameters[0], count = i->parameters[1];
  if (!job->means || !job->steps || !job->symbols) return NNC_BAD_ARGUMENT;
  const Symbols inside = symbols_of(job, step);
  for (ptrdiff_t y = rows.first; y < rows.last; y++)
    for (int32_t c = 0; c < count; c++) {
      const int64_t place = step->place + ((int64_t)c * inside.rows + y) * inside.columns;
      int64_t *latent = (int64_t *)to.origin + element(&to, y, 0) + first + c;
      for (ptrdiff_t x = 0; x < to.columns; x++, latent += to.pixel)
        *latent = y < inside.rows && x < inside.columns
                      ? job->means[place + x] + job->symbols[place + x] * job->steps[place + x]
                      : 0;
    }
  return NNC_OK;
}

int32_t nnc_execute(const nnc_program *p, const nnc_instruction *i, const nnc_job *job,
                    const nnc_step *step, const Array *arrays, Rows rows) {
  switch (i->operation) {
    case NNC_CONV: return conv(p, i, job, step, arrays, rows, step->blank);
    case NNC_MAP: return map(p, i, job, arrays, rows);
    case NNC_EDGES: edges(p, i, arrays, rows); return NNC_OK;
    case NNC_PREDICT_PIXELS: return nnc_predict_pixels(p, i, arrays, rows);
    case NNC_SETTLE_PIXELS: return nnc_settle_pixels(i, job, arrays, rows);
    case NNC_PIXELS: return pixels(i, job, arrays, rows);
    case NNC_FEATURES: return features(i, job, step, arrays, rows);
    case NNC_DIGITS: digits(p, i, arrays, rows); return NNC_OK;
    case NNC_PREDICT: return predict(i, job, step, arrays, rows);
    case NNC_SETTLE: return settle(i, job, step, arrays, rows);
    case NNC_CLEAR: {
      const Array *to = &arrays[i->narrow[0].target];
      for (ptrdiff_t y = rows.first; y < rows.last; y++)
        memset((int16_t *)to->origin + element(to, y, 0), 0,
               (size_t)to->columns * (size_t)to->pixel * sizeof(int16_t));
      return NNC_OK;
    }
    default: return NNC_BAD_ARGUMENT;
  }
}
