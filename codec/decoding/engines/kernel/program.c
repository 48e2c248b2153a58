/* Programs: whether what describes them makes sense. */
#include "program.h"

static int32_t is_register(const nnc_program *p, int32_t index, int32_t bits) {
  return index >= 0 && index < p->register_count && p->registers[index].bits == bits;
}

static int32_t valid_register(const nnc_register *r) {
  return (r->bits == 8 || r->bits == 16 || r->bits == 32 || r->bits == 64) && r->finer >= -8 &&
         r->finer <= 8 && r->channels >= 1 && r->channels <= 4 * MOST_CHANNELS && r->pad >= 0 &&
         r->pad <= 3 && (!r->external || r->pad == 0);
}

/* Whether `channels` fit the register from `first` on. */
static int32_t holds(const nnc_program *p, int32_t index, int32_t bits, int32_t first,
                     int32_t channels) {
  return is_register(p, index, bits) && first >= 0 &&
         first + channels <= p->registers[index].channels;
}

static int32_t finer(const nnc_program *p, int32_t index) { return p->registers[index].finer; }

/* Whether the grids of all registers of an instruction go together. */
static int32_t aligned(const nnc_program *p, const nnc_instruction *i) {
  const int32_t own = nnc_own_finer(p, i), is_conv = i->operation == NNC_CONV;
  const int32_t target = own + (is_conv ? halves(i->shuffle) : 0);
  const int32_t stride = is_conv ? p->layers[i->layer]->shape.stride : 1;
  const int32_t phased = i->flags & NNC_SOURCE_PHASE ? 1 : 0;
  if (i->operation == NNC_PIXELS) return own == 0 && finer(p, i->wide) == 1;
  if (i->operation == NNC_PREDICT || i->operation == NNC_PREDICT_PIXELS) return own <= 0;
  if (is_conv && phased && stride != 2) return 0;
  if (i->source >= 0 && finer(p, i->source) != own + (is_conv ? stride - 1 : phased)) return 0;
  if (i->plus >= 0 &&
      finer(p, i->plus) != target + (i->flags & NNC_PLUS_PHASE ? 1 : 0))
    return 0;
  for (int32_t n = 0; n < 2; n++)
    if (i->narrow[n].target >= 0 &&
        finer(p, i->narrow[n].target) != target + (i->flags & NNC_TARGET_PHASE ? 1 : 0))
      return 0;
  return 1;
}

static int32_t valid_conv(const nnc_program *p, const nnc_instruction *i) {
  if (i->layer < 0 || i->layer >= p->layer_count) return 0;
  const nnc_layer *layer = p->layers[i->layer];
  const nnc_shape *s = &layer->shape;
  if (!is_register(p, i->source, 16)) return 0;
  const nnc_register *source = &p->registers[i->source];
  const int32_t digits = s->limit > INT16_MAX ? 2 : 1, even = (s->inputs + 1) / 2 * 2;
  /* Pairs of inputs are read, so an odd channel is followed by one that is 0. */
  if (source->channels != (digits == 2 ? 2 * even : s->inputs)) return 0;
  if (source->external || source->pad < s->size / 2) return 0;
  if (i->shuffle < 1 || i->shuffle > 16 || i->shuffle & (i->shuffle - 1)) return 0;
  const int32_t channels = s->outputs / (i->shuffle * i->shuffle);
  if (channels * i->shuffle * i->shuffle != s->outputs) return 0;
  if (i->plus >= 0 && !holds(p, i->plus, 32, 0, channels) && !holds(p, i->plus, 16, 0, channels))
    return 0;
  if (i->bound < 0) return 0;
  if (i->wide >= 0 && !holds(p, i->wide, 32, 0, channels)) return 0;
  if (i->wide < 0 && (i->flags & NNC_ADD)) return 0;
  int32_t targets = i->wide >= 0;
  for (int32_t n = 0; n < 2; n++) {
    if (i->narrow[n].target < 0) continue;
    if (!holds(p, i->narrow[n].target, 16, i->narrow[n].first, channels)) return 0;
    if (i->narrow[n].limit < 1 || i->narrow[n].limit > INT16_MAX) return 0;
    targets++;
  }
  return targets > 0;
}

static int32_t valid_map(const nnc_program *p, const nnc_instruction *i) {
  const nnc_narrow *n = i->narrow;
  const int32_t *a = i->parameters;
  if (a[0] < 0 || a[1] < 1 || a[1] > MOST_CHANNELS || a[2] < -1 || a[2] > 1 || a[3] < -1 ||
      a[3] > 1 || a[4] < 0 || a[4] > 16 || a[5] < 0 || a[5] > 16)
    return 0;
  /* What is beside a position is only known to be there of external arrays. */
  if ((a[2] || a[3]) && !(is_register(p, i->source, 16) && p->registers[i->source].external) &&
      !(is_register(p, i->source, 32) && p->registers[i->source].external))
    return 0;
  if (!holds(p, i->source, 16, a[0], a[1]) && !holds(p, i->source, 32, a[0], a[1])) return 0;
  if (i->plus >= 0 && !holds(p, i->plus, 16, 0, a[1]) && !holds(p, i->plus, 32, 0, a[1])) return 0;
  if (i->wide >= 0 && !holds(p, i->wide, 32, 0, a[1])) return 0;
  if (n[0].target >= 0 && (!holds(p, n[0].target, 16, n[0].first, a[1]) || n[0].limit < 1 ||
                           n[0].limit > INT16_MAX))
    return 0;
  return i->wide >= 0 || n[0].target >= 0;
}

static int32_t valid(const nnc_program *p, const nnc_instruction *i) {
  const nnc_narrow *n = i->narrow;
  const int32_t *a = i->parameters;
  const int32_t limited = n[0].limit >= 1 && n[0].limit <= INT16_MAX;
  switch (i->operation) {
    case NNC_CONV: return valid_conv(p, i);
    case NNC_MAP: return valid_map(p, i);
    case NNC_EDGES: return is_register(p, n[0].target, 16);
    case NNC_PREDICT_PIXELS: return nnc_valid_predict_pixels(p, i);
    case NNC_SETTLE_PIXELS: return nnc_valid_settle_pixels(p, i);
    case NNC_PIXELS:
      return is_register(p, i->source, 32) && p->registers[i->source].channels == 12 &&
             is_register(p, i->wide, 8) && p->registers[i->wide].channels == 3 &&
             p->registers[i->wide].external;
    case NNC_FEATURES:
      return is_register(p, i->source, 64) && a[0] >= 0 && a[1] >= 1 && limited &&
             a[0] + a[1] <= p->registers[i->source].channels &&
             holds(p, n[0].target, 16, n[0].first, a[1]) &&
             (n[1].target < 0 || (holds(p, n[1].target, 16, n[1].first, a[1]) &&
                                  n[1].limit >= 1 && n[1].limit <= INT16_MAX));
    case NNC_DIGITS:
      return is_register(p, i->source, 64) &&
             holds(p, n[0].target, 16, 0, (p->registers[i->source].channels + 1) / 2 * 4);
    case NNC_PREDICT:
      return is_register(p, i->source, 32) && a[0] >= 0 && a[1] >= 1 &&
             p->registers[i->source].channels >= 4 * a[1];
    case NNC_SETTLE:
      return is_register(p, i->wide, 64) && a[0] >= 0 && a[1] >= 1 &&
             a[0] + a[1] <= p->registers[i->wide].channels;
    case NNC_CLEAR: return is_register(p, n[0].target, 16);
    default: return 0;
  }
}

int32_t nnc_program_new(const nnc_register *registers, int32_t register_count,
                        const nnc_instruction *instructions, int32_t instruction_count,
                        nnc_layer *const *layers, int32_t layer_count, nnc_program **made) {
  *made = NULL;
  if (register_count < 1 || register_count > MOST_REGISTERS || instruction_count < 1 ||
      instruction_count > MOST_INSTRUCTIONS || layer_count < 0 || layer_count > MOST_INSTRUCTIONS)
    return NNC_BAD_ARGUMENT;
  Size size = {0, 0};
  size_add(&size, 1, sizeof(nnc_program));
  size_add(&size, instruction_count, sizeof(nnc_instruction));
  size_add(&size, layer_count, sizeof(nnc_layer *));
  char *memory = size.overflow ? NULL : nnc_take(size.bytes);
  if (!memory) return NNC_OUT_OF_MEMORY;
  nnc_program *p = (nnc_program *)memory;
  p->register_count = register_count;
  p->instruction_count = instruction_count;
  p->layer_count = layer_count;
  p->layers = (nnc_layer **)(memory + ((sizeof(nnc_program) + 63) & ~(size_t)63));
  p->instructions = (nnc_instruction *)(p->layers + layer_count);
  memcpy(p->registers, registers, sizeof(nnc_register) * register_count);
  memcpy(p->layers, layers, sizeof(nnc_layer *) * layer_count);
  memcpy(p->instructions, instructions, sizeof(nnc_instruction) * instruction_count);
  int32_t good = 1;
  for (int32_t r = 0; r < register_count; r++) good &= valid_register(&registers[r]);
  for (int32_t i = 0; good && i < instruction_count; i++)
    good = valid(p, &instructions[i]) && aligned(p, &instructions[i]);
  if (!good) {
    nnc_give(p);
    return NNC_BAD_ARGUMENT;
  }
  *made = p;
  return NNC_OK;
}

void nnc_program_free(nnc_program *program) { nnc_give(program); }
