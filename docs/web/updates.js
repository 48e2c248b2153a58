// Weight updates: bytes -> numbers that are added to layers (FORMAT.md, sections 8.4, 9 and 14.4).

import { Reader, hex, invalid, refuse } from './container.js';
import { SymbolReader, layerOf } from './kernel.js';

const STEPS = 64, SPREAD_ZERO = 128, MOST_LEVEL = 2 ** 10, CHUNK = 64;
const MANTISSAS = [256n, 215n, 181n, 152n];
const NEXT = [[0, 7, 1, 6, 2, 5, 3, 4], [2, 5, 3, 4, 0, 7, 1, 6]];
const MOST_PREFIX = 14, MOST_MAGNITUDE = 2 ** 15 - 1, RANK = 4;
const COSINE_BITS = 14, SCALE_BITS = 10, TAPS = 9;
const SHARED = 7, SHARED_MAGIC = [0x4e, 0x4e, 0x55, 1], ID_BYTES = 16;
export const METHODS = [, 'subspace', 'kernels', 'scales', 'low rank', 'cosine', 'trellis', 'shared'];

const rescale = (value, bits) => Math.floor((value + 2 ** (bits - 1)) / 2 ** bits);
const rescaleBig = (value, bits) => (value + (1n << (bits - 1n))) >> bits;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Step and levels of a body in a subspace (section 9.2); `choice` numbers their tables. */
export function readLevels(kernel, body, scales, choice, tables) {
  const reader = new Reader(body), step = reader.u8('update step');
  if (step >= STEPS) invalid(`step ${step} of the update is not in 0..${STEPS - 1}`);
  const spread = reader.u8('update spread') - SPREAD_ZERO;
  const symbols = new SymbolReader(kernel, reader.rest('update levels'), tables);
  const most = choice.length - 1;
  const levels = symbols.code(Array.from(scales, (s) => choice[clamp(s + spread, 0, most)]));
  if (levels.some((level) => Math.abs(level) > MOST_LEVEL))
    invalid(`a level of the update is beyond ${MOST_LEVEL}`);
  return { step, levels };
}

/** The numbers of steps that levels of a trellis stand for. */
function trellis(levels) {
  let state = 0;
  return levels.map((level) => {
    const found = 2 * level - (state % 2) * Math.sign(level);
    state = NEXT[level & 1][state];
    return found;
  });
}

/** What levels in a space change, [features][outputs] in raster order: as weights and as biases. */
export function movesOf(space, { step, levels }, tensors) {
  const inner = tensors[space.inner], outer = tensors[space.outer];
  const columns = Math.sqrt(outer.length), rows = levels.length / columns;
  const middle = new Float64Array(levels.length);
  for (let r = 0; r < rows; r++)
    for (let k = 0; k < columns; k++) {
      const level = levels[r * columns + k];
      if (level)
        for (let o = 0; o < columns; o++) middle[r * columns + o] += level * outer[k * columns + o];
    }
  const mantissa = MANTISSAS[step % 4], shift = BigInt(13 + (step >> 2));
  const count = (inner.length / rows) * columns;
  const weights = new Float64Array(count), biases = new Float64Array(count);
  for (let n = 0; n < inner.length / rows; n++)
    for (let o = 0; o < columns; o++) {
      const sum = dot(inner, n * rows, middle, o, columns, rows);
      const scaled = rescaleBig(sum, 14n) * mantissa;
      weights[n * columns + o] = Number(rescaleBig(scaled, shift));
      biases[n * columns + o] = Number(rescaleBig(scaled, shift - 8n));
    }
  return { weights, biases, columns };
}

/** A sum of products below 2^62, of halves whose partial sums floats hold exactly. */
function dot(inner, at, middle, column, columns, rows) {
  let sum = 0n;
  for (let first = 0; first < rows; first += CHUNK) {
    let high = 0, low = 0;
    for (let r = first; r < Math.min(first + CHUNK, rows); r++) {
      const factor = middle[r * columns + column];
      if (!factor) continue;
      high += (inner[at + r] >> 16) * factor;
      low += (inner[at + r] & 0xffff) * factor;
    }
    if (high || low) sum += BigInt(high) * 65536n + BigInt(low);
  }
  return sum;
}

/** The numbers of a layer with moves of its features and its constant added. */
export function moved(layer, { weights, biases, columns }) {
  const features = weights.length / columns - 1;
  return added(
    layer,
    Float64Array.from(layer.weights, (_, i) => weights[(i % features) * columns + Math.floor(i / features)]),
    biases.subarray(features * columns),
  );
}

/** The numbers of a layer with others added, if their types hold the sums. */
function added(layer, weights, bias) {
  return { weights: sum(layer.weights, weights, 2 ** 15 - 1), bias: sum(layer.bias, bias, 2 ** 31 - 1) };
}

function sum(before, change, most) {
  const total = Float64Array.from(before, (value, i) => value + change[i]);
  if (total.some((value) => Math.abs(value) > most))
    invalid('the weight update leaves the exact range');
  return total;
}

/** The layers of a post-filter that an UPDATE payload changes: Map of index -> numbers.
 *
 * shared: update files at hand, each with its SHA-256. */
export function readUpdate(kernel, payload, model, shared) {
  if (!payload.length) refuse('Truncated', 'truncated: the weight update is empty');
  const { filter, tensors, tables } = model;
  if (payload[0] === SHARED) payload = sharedUpdate(payload, model, shared);
  const method = METHODS[payload[0]], body = payload.subarray(1);
  const layers = filter.changed.map((index) => {
    const layer = filter.program.layers[index];
    const [outputs, inputs] = layer.shape;
    return { index, outputs, inputs, ...layerOf(layer, tensors) };
  });
  if (method === 'subspace' || method === 'trellis') {
    const found = readLevels(kernel, body, tensors[filter.space.scales], filter.tables, tables);
    if (method === 'trellis') found.levels = trellis(found.levels);
    const last = layers.at(-1);
    return new Map([[last.index, moved(last, movesOf(filter.space, found, tensors))]]);
  }
  if (!PARAMETERS[method]) invalid(`unknown method ${payload[0]} of the weight update`);
  const { layout, change } = PARAMETERS[method];
  const used = method === 'low rank' ? layers.slice(-1) : layers;
  const levels = new LevelDecoder(body).read(used.flatMap(layout));
  return new Map(used.map((layer) => [layer.index, added(layer, ...change(levels, layer))]));
}

function sharedUpdate(payload, model, shared) {
  if (payload.length !== 1 + ID_BYTES) invalid(`the id of the shared update has not ${ID_BYTES} bytes`);
  const wanted = hex(payload.subarray(1));
  for (const [digest, file] of shared) {
    if (hex(digest.subarray(0, ID_BYTES)) !== wanted) continue;
    if (SHARED_MAGIC.some((byte, i) => file[i] !== byte) || file.length < 9)
      invalid('the shared update is not a file of one');
    if (hex(file.subarray(4, 8)) !== model.id) invalid('the shared update belongs to another model');
    if (file[8] === SHARED) invalid('the shared update names another');
    return file.subarray(8);
  }
  return refuse('UnknownUpdate', `needs the shared update ${wanted}`);
}

// Tensors of levels (section 9.3). A layout is rows, columns and group of each tensor of a layer.

const shifted = (tensor, more = 0) => tensor.levels.map((level) => level * 2 ** (tensor.shift + more));
const biasOf = (tensor) => shifted(tensor, 8);

const PARAMETERS = {
  kernels: {
    layout: ({ outputs, inputs }) => [[outputs, inputs * TAPS, 0], [1, outputs, 1]],
    change: (levels) => [shifted(levels.next().value), biasOf(levels.next().value)],
  },
  scales: {
    layout: ({ outputs }) => [[1, outputs, 0], [1, outputs, 1]],
    change(levels, { weights, inputs }) {
      const scale = shifted(levels.next().value), row = inputs * TAPS;
      const product = (w, i) => rescale(w * scale[Math.floor(i / row)], SCALE_BITS);
      return [Float64Array.from(weights, product), biasOf(levels.next().value)];
    },
  },
  'low rank': {
    layout: ({ outputs, inputs }) => [[RANK, outputs, 0], [RANK, inputs * TAPS + 1, 0]],
    change(levels, { outputs, inputs, weights }) {
      const left = levels.next().value, right = levels.next().value, columns = inputs * TAPS + 1;
      const product = (o, n) => {
        let total = 0;
        for (let r = 0; r < RANK; r++) total += left.levels[r * outputs + o] * right.levels[r * columns + n];
        return total * 2 ** left.shift;
      };
      const row = columns - 1;
      return [
        Float64Array.from(weights, (_, i) => product(Math.floor(i / row), i % row)),
        Float64Array.from({ length: outputs }, (_, o) => product(o, row) * 256),
      ];
    },
  },
  cosine: {
    layout: ({ outputs, inputs }) =>
      [[outputs, inputs, 0], [outputs, inputs * (TAPS - 1), 1], [1, outputs, 2]],
    change(levels, { weights }) {
      const mean = shifted(levels.next().value), waves = shifted(levels.next().value);
      const change = Float64Array.from(weights, (_, i) => {
        const kernel = Math.floor(i / TAPS), tap = i % TAPS;
        let total = mean[kernel] * COSINES[tap];
        for (let f = 1; f < TAPS; f++) total += waves[kernel * 8 + f - 1] * COSINES[f * TAPS + tap];
        return rescale(total, COSINE_BITS);
      });
      return [change, biasOf(levels.next().value)];
    },
  },
};

/** The cosine transform of 3 x 3, [frequency][tap]: no entry is near a tie. */
const COSINES = (() => {
  const wave = (k, n) => Math.cos((Math.PI / 3) * k * (n + 0.5)) * Math.sqrt((k ? 2 : 1) / 3);
  return Float64Array.from({ length: TAPS * TAPS }, (_, i) => {
    const [f, tap] = [Math.floor(i / TAPS), i % TAPS];
    const value = wave(Math.floor(f / 3), Math.floor(tap / 3)) * wave(f % 3, tap % 3);
    return Math.round(value * 2 ** COSINE_BITS);
  });
})();

/** The binary coder of sections 9.4 to 9.6. */
class LevelDecoder {
  constructor(bytes) {
    this.bytes = bytes;
    this.place = 0;
    this.range = 2 ** 32;
    this.offset = 0;
    for (let i = 0; i < 4; i++) this.offset = this.offset * 256 + this.byte();
    const contexts = (...starts) => starts.map((start) => ({ fast: start, slow: start, count: 0 }));
    [this.row] = contexts(0x8000);
    this.significant = [0, 1].map(() => contexts(0x0800, 0x3000, 0x6000));
    this.greater = contexts(0x6000, 0x6000, 0x6000);
    this.prefix = contexts(...Array(MOST_PREFIX + 1).fill(0x8000));
  }

  byte() {
    if (this.place >= this.bytes.length + 16) refuse('Truncated', 'truncated: the update ends too early');
    return this.bytes[this.place++] ?? 0;
  }

  renormalise() {
    while (this.range < 2 ** 24) {
      this.range *= 256;
      this.offset = this.offset * 256 + this.byte();
    }
  }

  bit(context) {
    const ones = Math.floor(this.range / 65536) * ((context.fast + context.slow) >> 1);
    const bit = this.offset < ones ? 1 : 0;
    if (bit) {
      this.range = ones;
    } else {
      this.range -= ones;
      this.offset -= ones;
    }
    const warm = 32 - Math.clz32(context.count + 2);
    const [a, b] = [Math.min(5, warm), Math.min(9, warm)];
    context.fast += bit ? (65536 - context.fast) >> a : -(context.fast >> a);
    context.slow += bit ? (65536 - context.slow) >> b : -(context.slow >> b);
    context.count = Math.min(context.count + 1, 255);
    this.renormalise();
    return bit;
  }

  bypass(count) {
    let value = 0;
    while (count--) {
      this.range = Math.floor(this.range / 2);
      const bit = this.offset >= this.range ? 1 : 0;
      if (bit) this.offset -= this.range;
      this.renormalise();
      value = value * 2 + bit;
    }
    return value;
  }

  /** The tensors of a layout one after the other, each with its levels and the shift of its group. */
  *read(layout) {
    const shifts = [];
    for (let g = 0; g <= Math.max(...layout.map(([, , group]) => group)); g++) shifts.push(this.bypass(4));
    for (const [rows, columns, group] of layout) {
      const levels = new Float64Array(rows * columns);
      for (let r = 0; r < rows; r++)
        if (this.bit(this.row)) this.readRow(levels.subarray(r * columns, (r + 1) * columns), rows > 1);
      yield { levels, shift: shifts[group] };
    }
  }

  readRow(row, kernel) {
    const significant = this.significant[Number(kernel)];
    let last = 0, before = 0, empty = true;
    for (let c = 0; c < row.length; c++) {
      const present = (empty && c === row.length - 1) || this.bit(significant[last + before]);
      if (present) row[c] = this.level();
      [last, before, empty] = [Number(Boolean(present)), last, empty && !present];
    }
  }

  level() {
    const negative = this.bypass(1);
    let magnitude = 1;
    while (magnitude < 4 && this.bit(this.greater[magnitude - 1])) magnitude++;
    if (magnitude === 4) {
      let length = 0;
      while (this.bit(this.prefix[length]))
        if (++length > MOST_PREFIX) invalid('a prefix of the update is too long');
      magnitude += 2 ** length + this.bypass(length) - 1;
      if (magnitude > MOST_MAGNITUDE) invalid('a level of the update is too large');
    }
    return negative ? -magnitude : magnitude;
  }
}
