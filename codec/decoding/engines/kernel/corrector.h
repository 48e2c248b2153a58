/* The networks that correct the predictions of lossless pixels (FORMAT.md, section 14.7). */
#ifndef NNCODEC_CORRECTOR_H
#define NNCODEC_CORRECTOR_H

#include "internal.h"

#define COLOURS 3
#define TRACE_LIMIT 256
#define HIDDEN 16
#define OUTPUTS 3
#define LIMIT 4096 /* of what goes into networks, and comes out */
#define REACH 2
#define MOST_PLACES 20
#define MOST_SEEN (MOST_PLACES * COLOURS + 2)
#define TOLD 8 /* inputs that are no single errors */
#define MOST_VALUES (HIDDEN + 2 * MOST_SEEN + TOLD)

/* What the network of a step is told of single errors. */
typedef struct {
  int32_t count, inputs;
  int32_t row[MOST_SEEN], column[MOST_SEEN]; /* less those of the pixel */
  ptrdiff_t at[MOST_SEEN];                   /* elements from the pixel's first trace */
  int16_t loud[2 * TRACE_LIMIT + 1];         /* logarithms of the sizes of -TRACE_LIMIT ... */
} Seen;

static inline int16_t bounded(int64_t value) { return (int16_t)clamp(value, -LIMIT, LIMIT); }

void nnc_find_seen(const nnc_correction *k, Seen *seen);

/* The single errors around a pixel of the grid, and the logarithms of their sizes; errors outside of
 * the grid are 0. */
void nnc_tell_errors(const nnc_correction *k, const Seen *seen, const int16_t *traces, int32_t row,
                     int32_t column, int16_t *inputs);

/* Whether the layers are those of such a step. */
int32_t nnc_valid_network(const nnc_correction *k, const Seen *seen);

/* Runs the network of a step for neighbouring pixels; each has room for HIDDEN before its inputs. */
void nnc_run_network(const nnc_correction *k, int32_t pixels, int16_t *values, int32_t *changes);

#endif
