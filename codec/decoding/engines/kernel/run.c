/* Runs programs: what they need of each register, and instruction by instruction. */
#include "program.h"

#define NONE ((Rows){INT32_MAX, INT32_MIN})

static const nnc_step WHOLE = {0};

int32_t nnc_own_finer(const nnc_program *p, const nnc_instruction *i) {
  switch (i->operation) {
    case NNC_PIXELS:
    case NNC_PREDICT:
    case NNC_PREDICT_PIXELS: return p->registers[i->source].finer;
    case NNC_SETTLE_PIXELS: return 0;
    default: break;
  }
  const int32_t target = i->wide >= 0                ? i->wide
                         : i->narrow[0].target >= 0 ? i->narrow[0].target
                                                     : i->narrow[1].target;
  return p->registers[target].finer - (i->operation == NNC_CONV ? halves(i->shuffle) : 0) -
         (i->flags & NNC_TARGET_PHASE ? 1 : 0);
}

/* Which rows of the source (`operand` 0) or of `plus` (1) rows of an instruction's own grid need. */
static Rows needed(const nnc_program *p, const nnc_instruction *i, int32_t operand, Rows rows) {
  const int32_t phases = i->flags & (operand ? NNC_PLUS_PHASE : NNC_SOURCE_PHASE) ? 2 : 1;
  if (i->operation != NNC_CONV)
    return (Rows){rows.first * phases, rows.last * phases};
  if (operand) return (Rows){rows.first * i->shuffle * phases, rows.last * i->shuffle * phases};
  const nnc_shape *s = &p->layers[i->layer]->shape;
  return (Rows){rows.first * s->stride - s->size / 2,
                (rows.last - 1) * s->stride + s->size / 2 + 1};
}

static Rows joined(Rows a, Rows b) {
  return (Rows){a.first < b.first ? a.first : b.first, a.last > b.last ? a.last : b.last};
}

/* What the later instructions, or the caller, need of what this one makes, in rows of its own grid.
 * run: rows of the base grid. */
static Rows asked(const nnc_instruction *i, const Rows *kept, Rows run) {
  Rows rows = NONE;
  switch (i->operation) {
    case NNC_PIXELS:
    case NNC_PREDICT_PIXELS:
    case NNC_SETTLE_PIXELS: return run;
    default: break;
  }
  if (i->wide >= 0) rows = joined(rows, kept[i->wide]);
  for (int32_t n = 0; n < 2; n++)
    if (i->narrow[n].target >= 0) rows = joined(rows, kept[i->narrow[n].target]);
  if (rows.first >= rows.last || i->operation != NNC_CONV) return rows;
  return (Rows){rows.first >> halves(i->shuffle),
                ((rows.last - 1) >> halves(i->shuffle)) + 1};
}

/* Those of the rows that exist. */
static Rows inside(const nnc_program *p, const nnc_instruction *i, int32_t base, Rows rows) {
  const nnc_register grid = {.finer = nnc_own_finer(p, i)};
  const int32_t extent = nnc_extent(&grid, base);
  if (rows.first < 0) rows.first = 0;
  if (rows.last > extent) rows.last = extent;
  return rows;
}

/* What rows of the base grid are in a register. */
static Rows scaled(const nnc_register *r, Rows rows) {
  return r->finer >= 0 ? (Rows){rows.first << r->finer, rows.last << r->finer}
                       : (Rows){rows.first >> -r->finer, rows.last >> -r->finer};
}

/* Adds what an instruction makes for `todo` to what is kept. External targets get no other rows than
 * those of the run: other threads may write them. */
static int32_t keep_targets(const nnc_program *p, const nnc_instruction *i, Rows todo, Rows *kept) {
  const int32_t shuffle = i->operation == NNC_CONV ? i->shuffle : 1;
  const Rows made = {todo.first * shuffle, todo.last * shuffle};
  const int32_t targets[] = {i->wide, i->narrow[0].target, i->narrow[1].target};
  if (i->operation == NNC_PIXELS) return NNC_OK;
  for (int32_t n = 0; n < 3; n++) {
    if (targets[n] < 0) continue;
    Rows *before = &kept[targets[n]];
    if (p->registers[targets[n]].external &&
        (made.first < before->first || made.last > before->last))
      return NNC_BAD_ARGUMENT;
    *before = joined(*before, made);
  }
  return NNC_OK;
}

/* The instructions from the first to the last one that uses each register, of those with rows to do. */
static void find_lives(const nnc_program *p, const Rows *todo, Rows *lives) {
  for (int32_t r = 0; r < p->register_count; r++) lives[r] = NONE;
  for (int32_t n = 0; n < p->instruction_count; n++) {
    const nnc_instruction *i = &p->instructions[n];
    const int32_t used[] = {i->source, i->plus, i->wide, i->narrow[0].target, i->narrow[1].target};
    if (todo[n].first >= todo[n].last) continue;
    for (int32_t k = 0; k < 5; k++)
      if (used[k] >= 0) lives[used[k]] = joined(lives[used[k]], (Rows){n, n + 1});
  }
}

/* Adds what it reads. */
static void keep_sources(const nnc_program *p, const nnc_instruction *i, Rows todo, Rows *kept) {
  if (i->source >= 0 && !p->registers[i->source].external)
    kept[i->source] = joined(kept[i->source], needed(p, i, 0, todo));
  if (i->plus >= 0 && !p->registers[i->plus].external)
    kept[i->plus] = joined(kept[i->plus], needed(p, i, 1, todo));
}

int32_t nnc_run(const nnc_program *p, const nnc_job *job, int32_t first, int32_t last) {
  Rows kept[MOST_REGISTERS];
  Rows todo[MOST_INSTRUCTIONS];
  Rows lives[MOST_REGISTERS];
  Array arrays[MOST_REGISTERS];
  if (job->rows < 1 || job->columns < 1 || first < 0 || first >= last || last > job->rows)
    return NNC_BAD_ARGUMENT;
  for (int32_t r = 0; r < p->register_count; r++) {
    const nnc_register *spec = &p->registers[r];
    if (nnc_extent(spec, job->rows) < 0 || nnc_extent(spec, job->columns) < 0)
      return NNC_BAD_ARGUMENT;
    if (spec->external && !job->external[r]) return NNC_BAD_ARGUMENT;
    kept[r] = spec->external ? scaled(spec, (Rows){first, last}) : NONE;
  }
  for (int32_t n = p->instruction_count - 1; n >= 0; n--) {
    const nnc_instruction *i = &p->instructions[n];
    if (i->operation == NNC_PREDICT || i->operation == NNC_SETTLE || i->flags & ~NNC_ADD)
      return NNC_BAD_ARGUMENT;
    todo[n] = inside(p, i, job->rows, asked(i, kept, (Rows){first, last}));
    if (todo[n].first >= todo[n].last) continue;
    const int32_t status = keep_targets(p, i, todo[n], kept);
    if (status) return status;
    keep_sources(p, i, todo[n], kept);
  }
  find_lives(p, todo, lives);
  void *memory = nnc_place(p, job, kept, lives, arrays);
  if (!memory) return NNC_OUT_OF_MEMORY;
  int32_t status = NNC_OK;
  for (int32_t n = 0; n < p->instruction_count && status == NNC_OK; n++) {
    if (todo[n].first >= todo[n].last) continue;
    for (int32_t r = 0; r < p->register_count; r++)
      if (lives[r].first == n) nnc_clear_pads(&p->registers[r], &arrays[r]);
    status = nnc_execute(p, &p->instructions[n], job, &WHOLE, arrays, todo[n]);
  }
  nnc_give(memory);
  return status;
}

int32_t nnc_scan_new(const nnc_program *p, int32_t rows, int32_t columns, nnc_scan **made) {
  *made = NULL;
  Rows kept[MOST_REGISTERS], lives[MOST_REGISTERS];
  nnc_job job = {.rows = rows, .columns = columns};
  void *none[MOST_REGISTERS] = {0};
  job.external = none;
  if (rows < 1 || columns < 1) return NNC_BAD_ARGUMENT;
  for (int32_t r = 0; r < p->register_count; r++) {
    const int32_t extent = nnc_extent(&p->registers[r], rows), pad = p->registers[r].pad;
    if (extent < 0 || nnc_extent(&p->registers[r], columns) < 0) return NNC_BAD_ARGUMENT;
    kept[r] = (Rows){-pad, extent + pad};
    lives[r] = (Rows){0, p->instruction_count};
  }
  nnc_scan *scan = nnc_take(sizeof *scan);
  if (!scan) return NNC_OUT_OF_MEMORY;
  *scan = (nnc_scan){.program = p, .rows = rows, .columns = columns};
  scan->memory = nnc_place(p, &job, kept, lives, scan->arrays);
  if (!scan->memory) {
    nnc_give(scan);
    return NNC_OUT_OF_MEMORY;
  }
  for (int32_t r = 0; r < p->register_count; r++)
    nnc_clear_pads(&p->registers[r], &scan->arrays[r]);
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
    const Rows rows = inside(p, i, scan->rows, (Rows){first, last});
    if (rows.first >= rows.last) continue;
    const int32_t status = nnc_execute(p, i, job, &now, arrays, rows);
    if (status) return status;
    if (i->operation == NNC_CONV) now.blank = 0;
  }
  return NNC_OK;
}
