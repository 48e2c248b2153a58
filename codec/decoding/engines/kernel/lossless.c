/* Instructions of the lossless mode (FORMAT.md, section 14.3). Arrays are on the grid of phase A:
 * those of phases have 16 bits, in pixel values; own and errors 32, in 1/32 of one.
 *
 * Parameters of PREDICT_PIXELS: channel, pass, registers of own, errors, and the phases A, D;
 *            of SETTLE_PIXELS: channel, whether it is coded, registers of own, errors, the phase.
 */
#include "program.h"

#define COLOURS 3
#define CANDIDATES 4
#define OUTPUTS 3 /* shift, scale, odds */
#define SAID 4    /* own, mean, raw scale, raw odds */
#define MEAN_LIMIT 16384
#define VALUE_BITS 5
#define PIXEL_LIMIT 255

/* Of each pass, the nearest known pixels: phase, row and column. */
static const int8_t NEAREST[3][CANDIDATES][3] = {
    {{0, 0, 0}, {0, 0, 1}, {0, 1, 0}, {0, 1, 1}},
    {{0, 0, 0}, {0, 0, 1}, {1, -1, 0}, {1, 0, 0}},
    {{0, 0, 0}, {0, 1, 0}, {1, 0, -1}, {1, 0, 0}},
};

static int32_t is_external(const nnc_program *p, int32_t r, int32_t bits, int32_t channels) {
  return r >= 0 && r < p->register_count && p->registers[r].bits == bits &&
         p->registers[r].channels == channels && p->registers[r].external &&
         p->registers[r].finer == 0;
}

int32_t nnc_valid_predict_pixels(const nnc_program *p, const nnc_instruction *i) {
  const int32_t *a = i->parameters;
  if (a[0] < 0 || a[0] >= COLOURS || a[1] < 0 || a[1] > 2 || i->source < 0 ||
      i->source >= p->register_count || p->registers[i->source].bits != 32 ||
      p->registers[i->source].channels != OUTPUTS + CANDIDATES + a[0] ||
      p->registers[i->source].finer || !is_external(p, a[2], 32, 1) ||
      !is_external(p, a[3], 32, COLOURS))
    return 0;
  if (!is_external(p, i->wide, 32, SAID)) return 0;
  /* A pass looks at the two phases that are known first. */
  return is_external(p, a[4], 16, COLOURS) && (a[1] == 0 || is_external(p, a[5], 16, COLOURS));
}

int32_t nnc_valid_settle_pixels(const nnc_program *p, const nnc_instruction *i) {
  const int32_t *a = i->parameters;
  return a[0] >= 0 && a[0] < COLOURS && is_external(p, a[2], 32, 1) &&
         is_external(p, a[3], 32, COLOURS) && is_external(p, a[4], 16, COLOURS);
}

/* By how much the nearest known pixels differ from `own`, in the order of the weights. */
static void nearest(const Array *const *phases, int32_t pass, int32_t channel, ptrdiff_t y,
                    ptrdiff_t x, int64_t own, int64_t *candidates) {
  for (int32_t n = 0; n < CANDIDATES; n++) {
    const int8_t *where = NEAREST[pass][n];
    const Array *phase = phases[where[0]];
    const ptrdiff_t row = (ptrdiff_t)clamp(y + where[1], 0, phase->rows - 1);
    const ptrdiff_t column = (ptrdiff_t)clamp(x + where[2], 0, phase->columns - 1);
    const int16_t pixel = ((const int16_t *)phase->origin)[element(phase, row, column) + channel];
    candidates[n] = (int64_t)pixel * (1 << VALUE_BITS) - own;
  }
}

int32_t nnc_predict_pixels(const nnc_program *p, const nnc_instruction *i, const Array *arrays,
                           Rows rows) {
  const int32_t *a = i->parameters, channel = a[0], pass = a[1];
  const Array *from = &arrays[i->source], *own_at = &arrays[a[2]], *errors_at = &arrays[a[3]];
  const Array *const phases[] = {&arrays[a[4]], pass ? &arrays[a[5]] : NULL};
  const Array *to = &arrays[i->wide];
  const int32_t weights = p->registers[i->source].channels - OUTPUTS;
  for (ptrdiff_t y = rows.first; y < rows.last; y++)
    for (ptrdiff_t x = 0; x < from->columns; x++) {
      const int32_t *raw = (const int32_t *)from->origin + element(from, y, x);
      const int64_t own = ((const int32_t *)own_at->origin)[element(own_at, y, x)];
      const int32_t *errors = (const int32_t *)errors_at->origin + element(errors_at, y, x);
      int64_t candidates[CANDIDATES + COLOURS], sum = 0;
      nearest(phases, pass, channel, y, x, own, candidates);
      for (int32_t c = 0; c < channel; c++) candidates[CANDIDATES + c] = errors[c];
      for (int32_t n = 0; n < weights; n++) sum += raw[OUTPUTS + n] * candidates[n];
      const int64_t mean = own + rescale(raw[0], 3) + rescale(sum, 8);
      int32_t *said = (int32_t *)to->origin + element(to, y, x);
      said[0] = (int32_t)clamp(own, -MEAN_LIMIT, MEAN_LIMIT);
      said[1] = (int32_t)clamp(mean, -MEAN_LIMIT, MEAN_LIMIT);
      said[2] = raw[1];
      said[3] = raw[2];
    }
  return NNC_OK;
}

int32_t nnc_settle_pixels(const nnc_instruction *i, const nnc_job *job, const Array *arrays,
                          Rows rows) {
  const int32_t *a = i->parameters, channel = a[0], coded = a[1];
  const Array *own_at = &arrays[a[2]], *errors_at = &arrays[a[3]], *phase = &arrays[a[4]];
  if (coded && !job->symbols) return NNC_BAD_ARGUMENT;
  for (ptrdiff_t y = rows.first; y < rows.last; y++)
    for (ptrdiff_t x = 0; x < phase->columns; x++) {
      const int32_t own = ((const int32_t *)own_at->origin)[element(own_at, y, x)];
      int64_t pixel = 0;
      if (coded && y < job->height && x < job->width) {
        pixel = job->symbols[y * job->width + x];
        if (pixel < -PIXEL_LIMIT || pixel > PIXEL_LIMIT) return NNC_INVALID_DATA;
      } else if (coded) {
        /* Outside of the picture: no one sees it but the networks. */
        pixel = clamp(rescale(own, VALUE_BITS), INT16_MIN, INT16_MAX);
      }
      ((int16_t *)phase->origin)[element(phase, y, x) + channel] = (int16_t)pixel;
      ((int32_t *)errors_at->origin)[element(errors_at, y, x) + channel] =
          (int32_t)(pixel * (1 << VALUE_BITS) - own);
    }
  return NNC_OK;
}
