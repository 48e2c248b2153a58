/* Runs programs: a few rows of the picture at a time, so that what instructions hand over to the next
 * ones stays in the caches. Of a register only the rows are kept that are still to be read. */
#include "program.h"

#define STEP_POSITIONS (1 << 13) /* of the finest grid, in a step */

static const nnc_step WHOLE = {0};

typedef struct {
  const nnc_program *program;
  const nnc_job *job;
  Rows rows; /* of the finest targets, in steps of so many */
  int32_t fine, step;
  Needs whole;
  int32_t done[MOST_INSTRUCTIONS]; /* rows of each instruction, up to the end of a step */
} Run;

static int32_t is_done(const Run *run, int32_t n) { return run->done[n] >= run->whole.todo[n].last; }

static void restart(Run *run) {
  for (int32_t n = 0; n < run->program->instruction_count; n++)
    run->done[n] = run->whole.todo[n].first;
}

/* The first row of each register that is still to be read or written. */
static void find_lowest(const Run *run, int32_t *lowest) {
  const nnc_program *p = run->program;
  for (int32_t r = 0; r < p->register_count; r++) lowest[r] = run->whole.kept[r].last;
  for (int32_t n = 0; n < p->instruction_count; n++) {
    if (is_done(run, n)) continue;
    const nnc_instruction *i = &p->instructions[n];
    const int32_t sources[] = SOURCES(i), targets[] = TARGETS(i);
    const Rows next = {run->done[n], run->done[n] + 1};
    for (int32_t k = 0; k < 2; k++) {
      if (sources[k] < 0) continue;
      const int32_t first = nnc_needed(p, i, k, next).first;
      if (first < lowest[sources[k]]) lowest[sources[k]] = first;
    }
    for (int32_t k = 0; k < 3; k++)
      if (targets[k] >= 0 && next.first * nnc_times(i) < lowest[targets[k]])
        lowest[targets[k]] = next.first * nnc_times(i);
  }
}

/* Whether no instruction has written what an earlier one is still to read as it was. */
static int32_t in_order(const Run *run) {
  const nnc_program *p = run->program;
  int32_t read[MOST_REGISTERS];
  for (int32_t r = 0; r < p->register_count; r++) read[r] = INT32_MAX;
  for (int32_t n = 0; n < p->instruction_count; n++) {
    const nnc_instruction *i = &p->instructions[n];
    const int32_t sources[] = SOURCES(i), targets[] = TARGETS(i);
    for (int32_t k = 0; k < 3; k++)
      if (targets[k] >= 0 && run->done[n] * nnc_times(i) > read[targets[k]]) return 0;
    for (int32_t k = 0; k < 2 && !is_done(run, n); k++) {
      if (sources[k] < 0) continue;
      const Rows next = {run->done[n], run->done[n] + 1};
      const int32_t first = nnc_needed(p, i, k, next).first;
      if (first < read[sources[k]]) read[sources[k]] = first;
    }
  }
  return 1;
}

/* What a step needs, which ends before row `last` of the finest targets; the run is then there. */
static void advance(Run *run, int32_t last, Needs *needs) {
  nnc_find_needs(run->program, run->job->rows, run->fine, (Rows){run->rows.first, last}, needs);
  for (int32_t n = 0; n < run->program->instruction_count; n++) {
    needs->todo[n].first = run->done[n];
    if (needs->todo[n].last > run->done[n]) run->done[n] = needs->todo[n].last;
  }
}

static int32_t end_of_step(const Run *run, int32_t first) {
  return first < run->rows.last - run->step ? first + run->step : run->rows.last;
}

/* Goes through all steps without running them: how many rows of each register there are at a time.
 * If steps would meet each other's rows, one step is all. */
static void find_windows(Run *run, int32_t *windows) {
  Needs needs;
  int32_t lowest[MOST_REGISTERS];
  memset(windows, 0, sizeof(int32_t) * run->program->register_count);
  restart(run);
  for (int32_t first = run->rows.first; first < run->rows.last; first = end_of_step(run, first)) {
    find_lowest(run, lowest);
    advance(run, end_of_step(run, first), &needs);
    for (int32_t r = 0; r < run->program->register_count; r++)
      if (needs.kept[r].last - lowest[r] > windows[r]) windows[r] = needs.kept[r].last - lowest[r];
    if (!in_order(run)) {
      run->step = run->rows.last - run->rows.first;
      find_windows(run, windows);
      return;
    }
  }
}

static int32_t run_steps(Run *run, Array *arrays) {
  const nnc_program *p = run->program;
  Needs needs;
  int32_t lowest[MOST_REGISTERS];
  restart(run);
  for (int32_t first = run->rows.first; first < run->rows.last; first = end_of_step(run, first)) {
    find_lowest(run, lowest);
    advance(run, end_of_step(run, first), &needs);
    for (int32_t r = 0; r < p->register_count; r++)
      nnc_slide(&p->registers[r], &arrays[r], (Rows){lowest[r], needs.kept[r].last});
    for (int32_t n = 0; n < p->instruction_count; n++) {
      if (needs.todo[n].first >= needs.todo[n].last) continue;
      const nnc_instruction *i = &p->instructions[n];
      const int32_t status = nnc_execute(p, i, run->job, &WHOLE, arrays, needs.todo[n]);
      if (status) return status;
    }
  }
  return NNC_OK;
}

/* Whether a run makes no other rows of external targets than its own: other threads may. */
static int32_t keeps_to_itself(const Run *run) {
  const nnc_program *p = run->program;
  for (int32_t n = 0; n < p->instruction_count; n++) {
    const nnc_instruction *i = &p->instructions[n];
    const Rows todo = run->whole.todo[n];
    const int32_t targets[] = TARGETS(i);
    if (todo.first >= todo.last || i->operation == NNC_PIXELS) continue;
    for (int32_t k = 0; k < 3; k++) {
      if (targets[k] < 0 || !p->registers[targets[k]].external) continue;
      const int32_t finer = run->fine - p->registers[targets[k]].finer;
      if (todo.first * nnc_times(i) < run->rows.first >> finer ||
          todo.last * nnc_times(i) > run->rows.last >> finer)
        return 0;
    }
  }
  return 1;
}

int32_t nnc_run(const nnc_program *p, const nnc_job *job, int32_t first, int32_t last) {
  if (job->rows < 1 || job->columns < 1 || first < 0 || first >= last || last > job->rows)
    return NNC_BAD_ARGUMENT;
  for (int32_t r = 0; r < p->register_count; r++) {
    const nnc_register *spec = &p->registers[r];
    if (nnc_extent(spec, job->rows) < 0 || nnc_extent(spec, job->columns) < 0 ||
        (spec->external && !job->external[r]))
      return NNC_BAD_ARGUMENT;
  }
  for (int32_t n = 0; n < p->instruction_count; n++) {
    const nnc_instruction *i = &p->instructions[n];
    if (i->operation == NNC_PREDICT || i->operation == NNC_SETTLE || i->flags & ~NNC_ADD)
      return NNC_BAD_ARGUMENT;
  }
  Run run = {.program = p, .job = job, .fine = nnc_fine(p)};
  run.rows = (Rows){first << run.fine, last << run.fine};
  run.step = STEP_POSITIONS / (job->columns << run.fine) + 1;
  nnc_find_needs(p, job->rows, run.fine, run.rows, &run.whole);
  if (!keeps_to_itself(&run)) return NNC_BAD_ARGUMENT;
  int32_t windows[MOST_REGISTERS];
  Rows kept[MOST_REGISTERS];
  find_windows(&run, windows);
  for (int32_t r = 0; r < p->register_count; r++)
    kept[r] = (Rows){run.whole.kept[r].first, run.whole.kept[r].first + windows[r]};
  Array arrays[MOST_REGISTERS];
  void *memory = nnc_place(p, job, kept, arrays);
  if (!memory) return NNC_OUT_OF_MEMORY;
  const int32_t status = run_steps(&run, arrays);
  nnc_give(memory);
  return status;
}
