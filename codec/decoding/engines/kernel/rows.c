/* Which rows instructions make and need. */
#include "program.h"

#define NONE ((Rows){INT32_MAX, INT32_MIN})

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

Rows nnc_needed(const nnc_program *p, const nnc_instruction *i, int32_t operand, Rows rows) {
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

Rows nnc_inside(const nnc_program *p, const nnc_instruction *i, int32_t base, Rows rows) {
  const nnc_register grid = {.finer = nnc_own_finer(p, i)};
  const int32_t extent = nnc_extent(&grid, base);
  const int32_t pad = i->operation == NNC_EDGES ? p->registers[i->narrow[0].target].pad : 0;
  if (rows.first < -pad) rows.first = -pad;
  if (rows.last > extent + pad) rows.last = extent + pad;
  return rows;
}

/* Rows of the finest targets, in a register. */
static Rows scaled(const nnc_register *r, int32_t fine, Rows rows) {
  const int32_t coarser = fine - r->finer;
  return coarser >= 0 ? (Rows){rows.first >> coarser, rows.last >> coarser}
                      : (Rows){rows.first << -coarser, rows.last << -coarser};
}

/* Adds what an instruction makes for `todo` to what is kept. */
static void keep_targets(const nnc_instruction *i, Rows todo, Rows *kept) {
  const int32_t times = nnc_times(i), targets[] = TARGETS(i);
  for (int32_t n = 0; n < 3; n++)
    if (targets[n] >= 0)
      kept[targets[n]] = joined(kept[targets[n]], (Rows){todo.first * times, todo.last * times});
}

/* Adds what it reads. */
static void keep_sources(const nnc_program *p, const nnc_instruction *i, Rows todo, Rows *kept) {
  const int32_t sources[] = SOURCES(i);
  for (int32_t n = 0; n < 2; n++)
    if (sources[n] >= 0 && !p->registers[sources[n]].external)
      kept[sources[n]] = joined(kept[sources[n]], nnc_needed(p, i, n, todo));
}

int32_t nnc_fine(const nnc_program *p) {
  int32_t fine = 0;
  for (int32_t n = 0; n < p->instruction_count; n++) {
    const nnc_instruction *i = &p->instructions[n];
    const int32_t targets[] = TARGETS(i);
    for (int32_t k = 0; k < 3 && i->operation != NNC_PIXELS; k++)
      if (targets[k] >= 0 && p->registers[targets[k]].external &&
          p->registers[targets[k]].finer > fine)
        fine = p->registers[targets[k]].finer;
  }
  return fine;
}

void nnc_find_needs(const nnc_program *p, int32_t base, int32_t fine, Rows run, Needs *needs) {
  for (int32_t r = 0; r < p->register_count; r++) {
    const nnc_register *spec = &p->registers[r];
    needs->kept[r] = spec->external ? scaled(spec, fine, run) : NONE;
  }
  for (int32_t n = p->instruction_count - 1; n >= 0; n--) {
    const nnc_instruction *i = &p->instructions[n];
    const Rows wanted = asked(i, needs->kept, (Rows){run.first >> fine, run.last >> fine});
    needs->todo[n] = nnc_inside(p, i, base, wanted);
    if (needs->todo[n].first >= needs->todo[n].last) {
      needs->todo[n] = (Rows){0, 0};
      continue;
    }
    keep_targets(i, needs->todo[n], needs->kept);
    keep_sources(p, i, needs->todo[n], needs->kept);
  }
}
