/* Memory of registers, all of it zeros at first: pads stay so. */
#include "program.h"

int32_t nnc_extent(const nnc_register *r, int32_t base) {
  if (r->finer >= 0) return base > MOST_ROWS >> r->finer ? -1 : base << r->finer;
  return base & ((1 << -r->finer) - 1) ? -1 : base >> -r->finer;
}

void *nnc_place(const nnc_program *p, const nnc_job *job, const Rows *kept, Array *arrays) {
  size_t at[MOST_REGISTERS];
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
    array->filled = kept[r].first;
    at[r] = all.bytes;
    if (spec->external || kept[r].first >= kept[r].last) continue;
    /* One vector more than there is: the last channels are read in pairs. */
    size_add(&all, (size_t)(kept[r].last - kept[r].first) * (size_t)array->row + 16,
             (size_t)spec->bits / 8);
    if (all.overflow) return NULL;
  }
  char *memory = nnc_take(all.bytes + 64);
  if (!memory) return NULL;
  memset(memory, 0, all.bytes);
  for (int32_t r = 0; r < p->register_count; r++) {
    const nnc_register *spec = &p->registers[r];
    Array *array = &arrays[r];
    if (spec->external)
      array->origin = job->external[r];
    else
      array->origin = memory + at[r] +
                      ((ptrdiff_t)spec->pad * array->pixel - array->kept.first * array->row) *
                          (spec->bits / 8);
  }
  return memory;
}

void nnc_slide(const nnc_register *spec, Array *array, Rows rows) {
  if (spec->external || rows.first >= rows.last) return;
  const ptrdiff_t line = array->row * (spec->bits / 8);
  const ptrdiff_t pad = spec->pad * array->pixel * (spec->bits / 8);
  const int32_t by = rows.first - array->kept.first;
  if (by > 0) {
    char *start = (char *)array->origin + array->kept.first * line - pad;
    if (array->filled > rows.first)
      memmove(start, start + by * line, (size_t)(array->filled - rows.first) * (size_t)line);
    array->origin = (char *)array->origin - by * line;
    array->kept = (Rows){rows.first, array->kept.last + by};
  }
  /* Rows below the picture are where others were. */
  for (int32_t y = array->filled > array->rows ? array->filled : array->rows; y < rows.last; y++)
    memset((char *)array->origin + y * line - pad, 0, (size_t)line);
  if (rows.last > array->filled) array->filled = rows.last;
}
