/* The range decoder, probability tables and escapes. */
#include <stdlib.h>

#include "internal.h"

#define PRECISION_BITS 24
#define WORD_BITS 32
#define BUCKET_BITS 9  /* the first symbol of each 2^-BUCKET_BITS of the range is looked up */
#define LONGEST_PREFIX 24
#define MOST_PAST_END 16 /* bytes that a reader may take as zeros (section 6.1) */
#define MOST_TABLES 65535
#define MOST_SYMBOLS 65535

typedef struct {
  const uint32_t *below; /* sums of the frequencies before each symbol, and of all */
  uint16_t *start;       /* [2^BUCKET_BITS] */
  int32_t radius;
} Table;

struct nnc_tables {
  int32_t count;
  Table table[];
};

int32_t nnc_tables_new(const int32_t *sizes, int32_t count, const int32_t *frequencies,
                       int64_t frequency_count, nnc_tables **made) {
  *made = NULL;
  if (count < 1 || count > MOST_TABLES) return NNC_BAD_ARGUMENT;
  int64_t symbols = 0;
  for (int32_t k = 0; k < count; k++) {
    if (sizes[k] < 2 || sizes[k] % 2 || sizes[k] > MOST_SYMBOLS) return NNC_BAD_ARGUMENT;
    symbols += sizes[k];
  }
  if (symbols != frequency_count) return NNC_BAD_ARGUMENT;
  Size size = {0, 0};
  size_add(&size, 1, sizeof(nnc_tables));
  size_add(&size, count, sizeof(Table));
  size_add(&size, (size_t)symbols + count, sizeof(uint32_t));
  size_add(&size, (size_t)count << BUCKET_BITS, sizeof(uint16_t));
  char *memory = size.overflow ? NULL : nnc_take(size.bytes);
  if (!memory) return NNC_OUT_OF_MEMORY;
  nnc_tables *tables = (nnc_tables *)memory;
  tables->count = count;
  uint32_t *below = (uint32_t *)(tables->table + count);
  uint16_t *start = (uint16_t *)(below + symbols + count);
  for (int32_t k = 0; k < count; k++) {
    uint64_t sum = 0;
    for (int32_t i = 0; i < sizes[k]; i++) {
      if (frequencies[i] < 1) goto invalid;
      below[i] = (uint32_t)sum;
      sum += (uint64_t)frequencies[i];
      if (sum > 1 << PRECISION_BITS) goto invalid;
    }
    if (sum != 1 << PRECISION_BITS) goto invalid;
    below[sizes[k]] = (uint32_t)sum;
    tables->table[k] = (Table){below, start, sizes[k] / 2 - 1};
    for (uint32_t bucket = 0, symbol = 0; bucket < 1 << BUCKET_BITS; bucket++) {
      while (below[symbol + 1] <= bucket << (PRECISION_BITS - BUCKET_BITS)) symbol++;
      start[bucket] = (uint16_t)symbol;
    }
    frequencies += sizes[k];
    below += sizes[k] + 1;
    start += 1 << BUCKET_BITS;
  }
  *made = tables;
  return NNC_OK;
invalid:
  nnc_give(tables);
  return NNC_BAD_ARGUMENT;
}

void nnc_tables_free(nnc_tables *tables) { nnc_give(tables); }

typedef struct {
  nnc_reader *state;
  const uint8_t *data;
  int64_t size;
} Input;

static uint64_t word(const Input *in) {
  uint64_t value = 0;
  for (int32_t i = 0; i < WORD_BITS / 8; i++) {
    value = value << 8 | (in->state->place < in->size ? in->data[in->state->place] : 0);
    in->state->place++;
  }
  return value;
}

void nnc_reader_start(nnc_reader *reader, const uint8_t *data, int64_t size) {
  *reader = (nnc_reader){.range = UINT64_MAX};
  const Input in = {reader, data, size};
  reader->point = word(&in) << WORD_BITS;
  reader->point |= word(&in);
}

/* Whether more has been read than a codeword may leave out. */
static inline int past_end(const Input *in) { return in->state->place > in->size + MOST_PAST_END; }

/* Where in the table the codeword points, or 2^24 and more if nowhere. */
static inline uint64_t quantile(const nnc_reader *r) {
  return (r->point - r->low) / (r->range >> PRECISION_BITS);
}

static inline void advance(const Input *in, uint32_t below, uint32_t frequency) {
  nnc_reader *r = in->state;
  const uint64_t scale = r->range >> PRECISION_BITS;
  r->low += scale * below;
  r->range = scale * frequency;
  if (r->range >> WORD_BITS) return;
  r->low <<= WORD_BITS;
  r->range <<= WORD_BITS;
  r->point = r->point << WORD_BITS | word(in);
}

/* A symbol, or -1. */
static inline int32_t symbol(const Input *in, const Table *table) {
  const uint64_t q = quantile(in->state);
  if (q >> PRECISION_BITS) return -1;
  int32_t s = table->start[q >> (PRECISION_BITS - BUCKET_BITS)];
  while (table->below[s + 1] <= q) s++;
  advance(in, table->below[s], table->below[s + 1] - table->below[s]);
  return s;
}

static int32_t coin(const Input *in) {
  const uint64_t q = quantile(in->state);
  if (q >> PRECISION_BITS) return -1;
  const int32_t bit = (int32_t)(q >> (PRECISION_BITS - 1));
  advance(in, (uint32_t)bit << (PRECISION_BITS - 1), 1 << (PRECISION_BITS - 1));
  return bit;
}

/* The value of an escape. */
static int32_t escape(const Input *in, int32_t radius, int32_t *value) {
  const int32_t negative = coin(in);
  int32_t bits = 0, bit;
  while ((bit = coin(in)) == 1)
    if (++bits > LONGEST_PREFIX) return NNC_INVALID_DATA;
  uint32_t suffix = 1;
  for (int32_t i = 0; i < bits && bit >= 0; i++) {
    bit = coin(in);
    suffix = suffix << 1 | (uint32_t)(bit & 1);
  }
  if (negative < 0 || bit < 0) return NNC_INVALID_DATA;
  const int32_t magnitude = (int32_t)(suffix - 1) + radius + 1;
  *value = negative ? -magnitude : magnitude;
  return NNC_OK;
}

int32_t nnc_reader_call(nnc_reader *reader, const uint8_t *data, int64_t size,
                        const nnc_tables *tables, int64_t count, const uint16_t *table,
                        int32_t *values) {
  if (count < 0 || count > INT32_MAX) return NNC_BAD_ARGUMENT;
  Size bytes = {0, 0};
  size_add(&bytes, (size_t)tables->count + 1, sizeof(int64_t));
  size_add(&bytes, (size_t)count, sizeof(int32_t));
  char *memory = bytes.overflow ? NULL : nnc_take(bytes.bytes);
  if (!memory) return NNC_OUT_OF_MEMORY;
  int64_t *stop = (int64_t *)memory;
  int32_t *order = (int32_t *)(stop + tables->count + 1);
  int32_t status = NNC_OK;
  memset(stop, 0, ((size_t)tables->count + 1) * sizeof(int64_t));
  for (int64_t i = 0; i < count && status == NNC_OK; i++)
    if (table[i] < tables->count)
      stop[table[i] + 1]++;
    else
      status = NNC_BAD_ARGUMENT;
  for (int32_t k = 0; k < tables->count; k++) stop[k + 1] += stop[k];
  for (int64_t i = 0; i < count && status == NNC_OK; i++) order[stop[table[i]]++] = (int32_t)i;
  const Input in = {reader, data, size};
  int32_t escapes = 0;
  int64_t done = 0;
  for (int32_t k = 0; k < tables->count && status == NNC_OK; k++) {
    const Table *t = &tables->table[k];
    for (; done < stop[k]; done++) {
      const int32_t s = symbol(&in, t);
      if (s < 0 || past_end(&in)) {
        status = s < 0 ? NNC_INVALID_DATA : NNC_CUT_SHORT;
        break;
      }
      values[order[done]] = s - t->radius;
      escapes |= s - t->radius > t->radius;
    }
  }
  for (int64_t i = 0; escapes && i < count && status == NNC_OK; i++) {
    const int32_t radius = tables->table[table[i]].radius;
    if (values[i] > radius) status = escape(&in, radius, &values[i]);
    if (past_end(&in)) status = NNC_CUT_SHORT;
  }
  nnc_give(memory);
  return status;
}
