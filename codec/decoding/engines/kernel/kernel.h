/* The compiled decoder: what callers see.
 *
 * Networks are data. A layer is a convolution in integers. A program is a list of instructions that
 * run layers over registers, which are arrays of integers [row][column][channel]. Nothing here knows
 * the shape of a particular model: the caller describes it (codec/decoding/engines/programs.py).
 *
 * Every function is reentrant. There is no global state, no thread and no file: callers run strips
 * or bands of rows on as many threads as they like. Objects may be shared by threads that only read
 * them; a scan may be run by several threads on rows that do not overlap.
 *
 * Exactness: every sum is proven, when a layer is made, to fit the integers in which it is taken
 * (FORMAT.md, section 10.2). So results depend neither on the order of additions nor on the
 * instruction set.
 */
#ifndef NNCODEC_KERNEL_H
#define NNCODEC_KERNEL_H

#include <stdint.h>

#if defined(_WIN32)
#define NNC_API __declspec(dllexport)
#else
#define NNC_API __attribute__((visibility("default")))
#endif

/* Changes whenever a caller would have to. */
#define NNC_ABI 7

enum nnc_status {
  NNC_OK = 0,
  NNC_OUT_OF_MEMORY = 1,
  NNC_BAD_ARGUMENT = 2,   /* a description that makes no sense, or sizes that are too large */
  NNC_OUT_OF_RANGE = 3,   /* a layer whose sums can't be proven exact */
  NNC_INVALID_DATA = 4,   /* a codeword that no encoder writes */
  NNC_CUT_SHORT = 5,      /* a codeword that is read too far past its end */
};

/* Instruction sets, from the one that runs anywhere to the fastest. */
enum nnc_level { NNC_PORTABLE = 0, NNC_SSE2 = 1, NNC_AVX2 = 2, NNC_AVX512 = 3, NNC_NEON = 4,
                 NNC_SIMD128 = 5, NNC_LEVELS = 6 };

NNC_API int32_t nnc_abi(void);
/* 1 if this build has code for a level and this processor runs it, else 0. */
NNC_API int32_t nnc_runs(int32_t level);

/* ---- Layers (FORMAT.md, section 8.1, "Convolution") */

typedef struct nnc_layer nnc_layer;

typedef struct {
  int32_t outputs, inputs;
  int32_t size;     /* of the square kernel, odd */
  int32_t stride;
  int32_t shift;    /* what sums are divided by, as a power of two; at least 1 */
  int32_t limit;    /* of the magnitude of inputs */
  int32_t activate; /* whether a leaky ReLU follows */
  int32_t bits;     /* outputs must be proven below 2^bits; at most 30 */
} nnc_shape;

/* Makes a layer. weights: [output][input][row][column]; bias: one for each output.
 * Inputs beyond 2^15 are read as two digits of DIGIT_BITS, low and high, in two halves of the
 * channels; see NNC_DIGITS. Weights that do not fit 16 bits, and sums that do not fit 32, are cut
 * into parts that do. */
NNC_API int32_t nnc_layer_new(int32_t level, const nnc_shape *shape, const int32_t *weights,
                              const int32_t *bias, nnc_layer **made);
NNC_API void nnc_layer_free(nnc_layer *layer);
/* How many parts it is computed in: 1 unless a sum needs 64 bits. */
NNC_API int32_t nnc_layer_parts(const nnc_layer *layer);

/* ---- Programs */

typedef struct nnc_program nnc_program;

/* A register. Its rows and columns are those of the base grid, times 2^finer. */
typedef struct {
  int32_t bits;     /* 8, 16, 32 or 64 */
  int32_t finer;    /* -8..8 */
  int32_t channels;
  int32_t pad;      /* rows and columns of zeros around it; 0 for external ones */
  int32_t external; /* 1: the caller's array [row][column][channel] without gaps */
} nnc_register;

enum nnc_operation {
  NNC_CONV = 0,     /* see below */
  NNC_MAP = 1,      /* differences, logarithms, clamps and copies of `source` */
  NNC_PIXELS = 2,   /* 32 bits [12] in the order row, column, colour -> 8 bits, external, cropped */
  NNC_FEATURES = 3, /* latents -> normalized (narrow[0]) and magnitude (narrow[1]); section 8.2 */
  NNC_DIGITS = 4,   /* latents -> the low and high digits that a wide layer takes (narrow[0]) */
  NNC_PREDICT = 5,  /* 32 bits `source` -> means, steps and tables of the symbols; section 8.3 */
  NNC_SETTLE = 6,   /* symbols -> latents */
  NNC_CLEAR = 7,    /* narrow[0] = 0 */
  NNC_EDGES = 8,    /* the pads of narrow[0] repeat its border */
  NNC_PREDICT_PIXELS = 9, /* 32 bits `source` -> `wide`, what networks say; section 14.3 */
  NNC_SETTLE_PIXELS = 10, /* symbols, which are pixel values -> pixels and errors */
};

enum nnc_flag {
  NNC_ADD = 1,           /* the 32-bit result is added to what is there */
  NNC_SOURCE_PHASE = 2,  /* the source is read at the positions of the phase */
  NNC_PLUS_PHASE = 4,
  NNC_TARGET_PHASE = 8,
};

typedef struct {
  int32_t target; /* a register of 16 bits, or -1 */
  int32_t first;  /* channel in it */
  int32_t limit;  /* clamp */
} nnc_narrow;

/* CONV: value = conv(source), activated as the layer says, and clamped to +-bound if bound > 0;
 * + constants[bias ...] if bias >= 0; + register `plus` (16 or 32 bits) if plus >= 0; + register
 * `wide` with NNC_ADD; then kept in `wide` (32 bits) if wide >= 0, and clamped in both of `narrow`.
 * With shuffle r > 1, its outputs are the channels of r x r positions, in the order row, column,
 * channel; `plus`, `wide` and `narrow` are finer by log2 r. Other operations: see execute.c. */
typedef struct {
  int32_t operation, layer, source, flags, shuffle, bound, bias, plus, wide;
  nnc_narrow narrow[2];
  int32_t parameters[8];
} nnc_instruction;

/* Makes a program; it keeps the layers' pointers, so they must outlive it. */
NNC_API int32_t nnc_program_new(const nnc_register *registers, int32_t register_count,
                                const nnc_instruction *instructions, int32_t instruction_count,
                                nnc_layer *const *layers, int32_t layer_count,
                                nnc_program **made);
NNC_API void nnc_program_free(nnc_program *program);

/* What a run works on. */
typedef struct {
  int32_t rows, columns;      /* of the base grid */
  int32_t width, height;      /* what is kept: of the picture for PIXELS, of symbols for PREDICT */
  void *const *external;      /* one for each register, null for others */
  const int64_t *constants;
  int64_t constant_count;
  const int16_t *log2_table;  /* of magnitudes: 4096 */
  int64_t *means;             /* those of the symbols of one slot */
  int64_t *steps;
  uint16_t *tables;
  const int32_t *symbols;
} nnc_job;

/* Runs a whole program for what rows first..last-1 of the base grid are in its external targets, and
 * no other rows of these, on as many rows of all other registers as they depend on. */
NNC_API int32_t nnc_run(const nnc_program *program, const nnc_job *job, int32_t first,
                        int32_t last);

/* ---- Scans: programs that are run step by step, on registers that stay. */

typedef struct nnc_scan nnc_scan;

NNC_API int32_t nnc_scan_new(const nnc_program *program, int32_t rows, int32_t columns,
                             nnc_scan **made);
NNC_API void nnc_scan_free(nnc_scan *scan);

typedef struct {
  int32_t start, stop;        /* instructions */
  int32_t phase_row, phase_column;
  int32_t blank;              /* 1: the source of the first convolution is known to be all 0 */
  int64_t place;              /* of the first symbol of this phase among those of the step */
} nnc_step;

/* Runs instructions for rows first..last-1, those of the targets of all these instructions (of the
 * phase, where they are at its positions). */
NNC_API int32_t nnc_scan_run(nnc_scan *scan, const nnc_job *job, const nnc_step *step,
                             int32_t first, int32_t last);

/* ---- What corrects the predictions of lossless pixels (FORMAT.md, section 14.7) */

/* One step of one channel of a pass. */
typedef struct {
  int32_t rows, columns;           /* of phase A */
  int32_t phase_row, phase_column; /* of the pass */
  int32_t height, width;           /* positions of the phase that lie in the grid */
  int32_t channel, step;
  const nnc_layer *enter, *leave;  /* of the step's network */
  const int32_t *said;             /* [rows][columns][4]: own, mean, raw scale, raw odds */
  int32_t *sums;                   /* [rows][columns][3 + 2 (channel + 1)] */
  int16_t *traces;                 /* [2 rows][2 columns][3][2] */
  const int16_t *log2_table;       /* of magnitudes: 4096 */
  int32_t *pixels;                 /* [height][width] */
} nnc_correction;

/* Adds what phase A tells to the sums of a channel. */
NNC_API int32_t nnc_begin(const nnc_correction *correction);

/* Of each pixel of the step, in raster order: mean, raw scale and raw odds, corrected; whole pixel
 * value and table. */
NNC_API int32_t nnc_expect(const nnc_correction *correction, int32_t *corrected, int32_t *whole,
                           uint16_t *table);
/* Takes the pixels of the step, and puts them in their places. */
NNC_API int32_t nnc_learn(const nnc_correction *correction, const int32_t *found);

/* ---- Entropy decoder (FORMAT.md, sections 6 and 7) */

typedef struct nnc_tables nnc_tables;

NNC_API int32_t nnc_tables_new(const int32_t *sizes, int32_t count, const int32_t *frequencies,
                               int64_t frequency_count, nnc_tables **made);
NNC_API void nnc_tables_free(nnc_tables *tables);

typedef struct {
  uint64_t low, range, point;
  int64_t place; /* next byte, counted on past the end */
} nnc_reader;

NNC_API void nnc_reader_start(nnc_reader *reader, const uint8_t *data, int64_t size);
/* One call (section 7.2): count values, each with the table of that index. */
NNC_API int32_t nnc_reader_call(nnc_reader *reader, const uint8_t *data, int64_t size,
                                const nnc_tables *tables, int64_t count, const uint16_t *table,
                                int32_t *values);

/* ---- Bits beyond the first eight of a sample (FORMAT.md, section 14.8), in both directions */

typedef struct {
  int32_t width, height;
  int32_t channels; /* 1 or 3 */
  int32_t bits;     /* beyond the first eight: 1..8 */
  int32_t writes;   /* 1: `wanted` is written to `data`, else `data` is read */
  int32_t *values;  /* [channel][row][column]: middles of what they may be, then values */
  int32_t *errors;  /* [channel][2][row][column] */
  const int32_t *wanted;  /* [channel][row][column]: bits; null for a reader */
  const int16_t *weights; /* 10, or 51 of 3 channels */
  const int16_t *stretch; /* 4096 */
  const uint16_t *squash; /* 6143 */
  const int32_t *rates;   /* 1023 */
  uint32_t *contexts;     /* [channel][4][32][33] */
  uint32_t *nodes;        /* [channel][2^(8 + bits)] */
  int32_t *mixes;         /* [channel][32][4][5] */
  uint8_t *data;
  int64_t size;           /* of what is read; a writer has room for 2 bytes for each bit of a row */
} nnc_rest;

typedef struct {
  uint64_t point, range; /* low for a writer, offset for a reader */
  int64_t place;         /* next byte, counted on past the end */
} nnc_rest_coder;

/* Codes all channels of a row; those above must have been coded. */
NNC_API int32_t nnc_rest_row(const nnc_rest *fine, nnc_rest_coder *coder, int32_t row);

#endif
