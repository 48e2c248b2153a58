/* Memory of registers: those that are not in use at the same time share it. */
#include "program.h"

int32_t nnc_extent(const nnc_register *r, int32_t base) {
  if (r->finer >= 0) return base > MOST_ROWS >> r->finer ? -1 : base << r->finer;
  return base & ((1 << -r->finer) - 1) ? -1 : base >> -r->finer;
}

/* Where each register begins: the largest first, each at the first place that no register has which
 * lives at the same time. Returns how many bytes they need together. */
static size_t arrange(int32_t count, const size_t *bytes, const Rows *lives, size_t *at) {
  int32_t order[MOST_REGISTERS];
  for (int32_t n = 0; n < count; n++) {
    int32_t place = n;
    for (; place > 0 && bytes[order[place - 1]] < bytes[n]; place--) order[place] = order[place - 1];
    order[place] = n;
  }
  size_t total = 0;
  for (int32_t n = 0; n < count; n++) {
    const int32_t r = order[n];
    at[r] = 0;
    for (int32_t m = 0; m < n; m++) {
      const int32_t other = order[m];
      if (lives[r].first >= lives[other].last || lives[other].first >= lives[r].last) continue;
      if (at[r] >= at[other] + bytes[other] || at[other] >= at[r] + bytes[r]) continue;
      at[r] = at[other] + bytes[other];
      m = -1; /* there it may meet one that it passed */
    }
    if (at[r] + bytes[r] > total) total = at[r] + bytes[r];
  }
  return total;
}

void *nnc_place(const nnc_program *p, const nnc_job *job, const Rows *kept, const Rows *lives,
                Array *arrays) {
  size_t bytes[MOST_REGISTERS], at[MOST_REGISTERS];
  Size all = {0, 0};
  for (int32_t r = 0; r < p->register_count; r++) {
    const nnc_register *spec = &p->registers[r];
    Array *array = &arrays[r];
    array->rows = nnc_extent(spec, job->rows);
    array->columns = nnc_extent(spec, job->columns);
    if (array->rows < 0 || array->columns < 0) return NULL;
    const int32_t even = spec->bits == 16 && !spec->external;
    const int32_t channels = even ? (spec->channels + 1) / 2 * 2 : spec->channels;
    array->pixel = channels;
    array->row = (ptrdiff_t)channels * (array->columns + 2 * spec->pad);
    array->kept = kept[r];
    bytes[r] = 0;
    if (spec->external || kept[r].first >= kept[r].last) continue;
    const size_t before = all.bytes;
    /* One vector more than there is: the last channels are read in pairs. */
    size_add(&all, (size_t)(kept[r].last - kept[r].first) * (size_t)array->row + 16,
             (size_t)spec->bits / 8);
    if (all.overflow) return NULL;
    bytes[r] = all.bytes - before;
  }
  char *memory = nnc_take(arrange(p->register_count, bytes, lives, at) + 64);
  if (!memory) return NULL;
  for (int32_t r = 0; r < p->register_count; r++) {
    const nnc_register *spec = &p->registers[r];
    Array *array = &arrays[r];
    if (spec->external)
      array->origin = job->external[r];
    else if (bytes[r])
      array->origin = memory + at[r] +
                      ((ptrdiff_t)spec->pad * array->pixel - array->kept.first * array->row) *
                          (spec->bits / 8);
    else
      array->origin = NULL;
  }
  return memory;
}

void nnc_clear_pads(const nnc_register *spec, const Array *array) {
  const Rows rows = array->kept;
  if (spec->external || !array->origin) return;
  const ptrdiff_t width = spec->bits / 8;
  const size_t line = (size_t)(array->row * width);
  const size_t side = (size_t)(spec->pad * array->pixel * width);
  char *start =
      (char *)array->origin - (spec->pad * array->pixel - rows.first * array->row) * width;
  for (int32_t y = rows.first; y < rows.last; y++, start += line)
    if (y < 0 || y >= array->rows || spec->channels != array->pixel) {
      memset(start, 0, line);
    } else if (side) {
      memset(start, 0, side);
      memset(start + line - side, 0, side);
    }
  memset(start, 0, 16 * (size_t)width);
}
