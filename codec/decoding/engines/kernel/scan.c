/* Runs programs step by step, on registers that stay. */
#include "program.h"

int32_t nnc_scan_new(const nnc_program *p, int32_t rows, int32_t columns, nnc_scan **made) {
  *made = NULL;
  Rows kept[MOST_REGISTERS];
  nnc_job job = {.rows = rows, .columns = columns};
  void *none[MOST_REGISTERS] = {0};
  job.external = none;
  if (rows < 1 || columns < 1) return NNC_BAD_ARGUMENT;
  for (int32_t r = 0; r < p->register_count; r++) {
    const int32_t extent = nnc_extent(&p->registers[r], rows), pad = p->registers[r].pad;
    if (extent < 0 || nnc_extent(&p->registers[r], columns) < 0) return NNC_BAD_ARGUMENT;
    kept[r] = (Rows){-pad, extent + pad};
  }
  nnc_scan *scan = nnc_take(sizeof *scan);
  if (!scan) return NNC_OUT_OF_MEMORY;
  *scan = (nnc_scan){.program = p, .rows = rows, .columns = columns};
  scan->memory = nnc_place(p, &job, kept, scan->arrays);
  if (!scan->memory) {
    nnc_give(scan);
    return NNC_OUT_OF_MEMORY;
  }
  *made = scan;
  return NNC_OK;
}

void nnc_scan_free(nnc_scan *scan) {
  if (!scan) return;
  nnc_give(scan->memory);
  nnc_give(scan);
}

int32_t nnc_scan_run(nnc_scan *scan, const nnc_job *job, const nnc_step *step, int32_t first,
                     int32_t last) {
  const nnc_program *p = scan->program;
  if (job->rows != scan->rows || job->columns != scan->columns || step->start < 0 ||
      step->start >= step->stop || step->stop > p->instruction_count || step->phase_row >> 1 ||
      step->phase_column >> 1 || first < 0 || job->height < 1 || job->width < 1 ||
      job->height > scan->rows || job->width > scan->columns)
    return NNC_BAD_ARGUMENT;
  Array arrays[MOST_REGISTERS];
  memcpy(arrays, scan->arrays, sizeof(Array) * p->register_count);
  for (int32_t r = 0; r < p->register_count; r++)
    if (p->registers[r].external) {
      if (!job->external[r]) return NNC_BAD_ARGUMENT;
      arrays[r].origin = job->external[r];
    }
  nnc_step now = *step;
  for (int32_t n = step->start; n < step->stop; n++) {
    const nnc_instruction *i = &p->instructions[n];
    const Rows rows = nnc_inside(p, i, scan->rows, (Rows){first, last});
    if (rows.first >= rows.last) continue;
    const int32_t status = nnc_execute(p, i, job, &now, arrays, rows);
    if (status) return status;
    if (i->operation == NNC_CONV) now.blank = 0;
  }
  return NNC_OK;
}
