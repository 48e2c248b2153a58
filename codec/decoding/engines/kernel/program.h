/* Programs in memory. */
#ifndef NNCODEC_PROGRAM_H
#define NNCODEC_PROGRAM_H

#include "internal.h"

#define MOST_REGISTERS 256
#define MOST_INSTRUCTIONS 1024
#define MOST_ROWS (1 << 20)

struct nnc_program {
  int32_t register_count, instruction_count, layer_count;
  nnc_register registers[MOST_REGISTERS];
  nnc_instruction *instructions;
  nnc_layer **layers;
};

/* Rows first..last-1. */
typedef struct {
  int32_t first, last;
} Rows;

/* A register in memory: `origin` is row 0, column 0, channel 0, whether or not that row is kept. */
typedef struct {
  void *origin;
  ptrdiff_t pixel, row; /* elements between neighbours */
  int32_t rows, columns;
  Rows kept; /* those that are in memory, with the pads */
} Array;

struct nnc_scan {
  const nnc_program *program;
  int32_t rows, columns;
  Array arrays[MOST_REGISTERS];
  void *memory;
};

/* Rows or columns of a register, or -1 if the base grid has too many or is not divisible. */
int32_t nnc_extent(const nnc_register *r, int32_t base);

/* Memory for all registers that are not external, and arrays there; null if there is none.
 * kept: rows of each register.  lives: the instructions from first to last-1 that it is for; others
 * may have the same memory before and after. */
void *nnc_place(const nnc_program *program, const nnc_job *job, const Rows *kept, const Rows *lives,
                Array *arrays);
/* Zeros around a register, and in the channel that makes their number even. */
void nnc_clear_pads(const nnc_register *spec, const Array *array);

/* The grid of an instruction: that of its targets before a shuffle, at a phase if it writes there. */
int32_t nnc_own_finer(const nnc_program *program, const nnc_instruction *i);

/* Runs one instruction for rows of its own grid: that of its targets, before a shuffle. */
int32_t nnc_execute(const nnc_program *program, const nnc_instruction *i, const nnc_job *job,
                    const nnc_step *step, const Array *arrays, Rows rows);

/* The lossless mode's own instructions. */
int32_t nnc_valid_predict_pixels(const nnc_program *program, const nnc_instruction *i);
int32_t nnc_valid_settle_pixels(const nnc_program *program, const nnc_instruction *i);
int32_t nnc_predict_pixels(const nnc_program *program, const nnc_instruction *i,
                           const Array *arrays, Rows rows);
int32_t nnc_settle_pixels(const nnc_instruction *i, const nnc_job *job, const Array *arrays,
                          Rows rows);

/* Element (y, x) of an array, in elements of its type. */
static inline ptrdiff_t element(const Array *a, ptrdiff_t y, ptrdiff_t x) {
  return y * a->row + x * a->pixel;
}

static inline int32_t halves(int32_t shuffle) { return __builtin_ctz((unsigned)shuffle); }

#endif
