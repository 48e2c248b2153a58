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
  Rows kept;      /* those that are in memory, with the pads */
  int32_t filled; /* those before were needed at some time */
} Array;

struct nnc_scan {
  const nnc_program *program;
  int32_t rows, columns;
  Array arrays[MOST_REGISTERS];
  void *memory;
};

/* Rows or columns of a register, or -1 if the base grid has too many or is not divisible. */
int32_t nnc_extent(const nnc_register *r, int32_t base);

/* Memory for all registers that are not external, with zeros, and arrays there; null if there is none.
 * kept: rows of each register. */
void *nnc_place(const nnc_program *program, const nnc_job *job, const Rows *kept, Array *arrays);
/* Lets go of the rows before `rows`, so that there is room for all of these. */
void nnc_slide(const nnc_register *spec, Array *array, Rows rows);

/* The registers that an instruction reads, besides what it changes, and writes, or -1. */
#define SOURCES(i) {(i)->source, (i)->plus}
#define TARGETS(i) {(i)->wide, (i)->narrow[0].target, (i)->narrow[1].target}

/* The grid of an instruction: that of its targets before a shuffle, at a phase if it writes there. */
int32_t nnc_own_finer(const nnc_program *program, const nnc_instruction *i);
/* Rows of its targets for each of its own. */
static inline int32_t nnc_times(const nnc_instruction *i) {
  return i->operation == NNC_CONV ? i->shuffle : 1;
}
/* Which rows of the source (`operand` 0) or of `plus` (1) rows of its own grid need. */
Rows nnc_needed(const nnc_program *program, const nnc_instruction *i, int32_t operand, Rows rows);
/* Those of its rows that exist, in pads too if it makes these. */
Rows nnc_inside(const nnc_program *program, const nnc_instruction *i, int32_t base, Rows rows);

/* Rows that each instruction makes, in those of its own grid, and that each register has. */
typedef struct {
  Rows todo[MOST_INSTRUCTIONS], kept[MOST_REGISTERS];
} Needs;

/* How much finer than the base grid the finest external target is. */
int32_t nnc_fine(const nnc_program *program);
/* What is needed for rows of that one, and as many of the others. */
void nnc_find_needs(const nnc_program *program, int32_t base, int32_t fine, Rows run, Needs *needs);

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
