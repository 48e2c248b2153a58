// Transparency: an LZMA stream without header (FORMAT.md, section 5.3; the LZMA specification of
// the LZMA SDK, whose names these are).

import { invalid, refuse } from './container.js';

const LC = 2, LITERAL_CODERS = 1 << LC, DICTIONARY = 2 ** 23;
const STATES = 12, TOP = 2 ** 24, START = 1024;
const LENGTH_STATES = 4, MATCH_MIN = 2, ALIGN_BITS = 4, END_DISTANCE = 2 ** 32 - 1;

const probabilities = (count) => new Uint16Array(count).fill(START);
const broken = () => invalid('the transparency is not a valid LZMA stream');

class RangeDecoder {
  constructor(bytes) {
    this.bytes = bytes;
    this.place = 0;
    this.range = 0xffffffff;
    this.code = 0;
    if (this.byte() !== 0) broken();
    for (let i = 0; i < 4; i++) this.code = ((this.code << 8) | this.byte()) >>> 0;
    if (this.code === this.range) broken();
  }

  byte() {
    if (this.place >= this.bytes.length) invalid('the transparency ends too early');
    return this.bytes[this.place++];
  }

  normalize() {
    if (this.range >= TOP) return;
    this.range = (this.range << 8) >>> 0;
    this.code = ((this.code << 8) | this.byte()) >>> 0;
  }

  bit(table, index) {
    const chance = table[index], bound = (this.range >>> 11) * chance;
    const bit = this.code < bound ? 0 : 1;
    if (bit) {
      table[index] = chance - (chance >> 5);
      this.range -= bound;
      this.code -= bound;
    } else {
      table[index] = chance + ((2048 - chance) >> 5);
      this.range = bound;
    }
    this.normalize();
    return bit;
  }

  direct(count) {
    let value = 0;
    while (count--) {
      this.range >>>= 1;
      const bit = this.code >= this.range ? 1 : 0;
      if (bit) this.code -= this.range;
      this.normalize();
      value = value * 2 + bit;
    }
    return value;
  }

  tree(table, bits, first = 0) {
    let node = 1;
    for (let i = 0; i < bits; i++) node = node << 1 | this.bit(table, first + node);
    return node - (1 << bits);
  }

  reverse(table, bits, first = 0) {
    let node = 1, value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(table, first + node);
      node = node << 1 | bit;
      value |= bit << i;
    }
    return value;
  }
}

class LengthDecoder {
  constructor() {
    this.choice = probabilities(2);
    this.low = probabilities(8);
    this.middle = probabilities(8);
    this.high = probabilities(256);
  }

  decode(range) {
    if (!range.bit(this.choice, 0)) return range.tree(this.low, 3);
    if (!range.bit(this.choice, 1)) return 8 + range.tree(this.middle, 3);
    return 16 + range.tree(this.high, 8);
  }
}

/** Expands a stream of exactly `size` bytes. */
function expandLzma(bytes, size) {
  const range = new RangeDecoder(bytes), out = new Uint8Array(size);
  const literals = probabilities(LITERAL_CODERS * 0x300);
  const isMatch = probabilities(STATES), isRep = probabilities(STATES);
  const isRep0 = probabilities(STATES), isRep1 = probabilities(STATES);
  const isRep2 = probabilities(STATES), isRep0Long = probabilities(STATES);
  const slots = probabilities(LENGTH_STATES * 64), special = probabilities(128);
  const align = probabilities(1 << ALIGN_BITS);
  const lengths = new LengthDecoder(), repLengths = new LengthDecoder();
  let place = 0, state = 0, rep0 = 0, rep1 = 0, rep2 = 0, rep3 = 0;

  const known = () => { if (rep0 >= place || rep0 >= DICTIONARY) broken(); };

  function put(byte) {
    if (place >= size) invalid('the transparency has more samples than the picture');
    out[place++] = byte;
  }

  function literal() {
    const first = 0x300 * ((place ? out[place - 1] : 0) >> (8 - LC));
    let symbol = 1;
    if (state >= 7) {
      known();
      let match = out[place - rep0 - 1];
      while (symbol < 0x100) {
        const wanted = match >> 7;
        match = (match << 1) & 255;
        const bit = range.bit(literals, first + ((1 + wanted) << 8) + symbol);
        symbol = symbol << 1 | bit;
        if (bit !== wanted) break;
      }
    }
    while (symbol < 0x100) symbol = symbol << 1 | range.bit(literals, first + symbol);
    put(symbol - 0x100);
    state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
  }

  function distance(length) {
    const slot = range.tree(slots, 6, 64 * Math.min(length, LENGTH_STATES - 1));
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1, base = (2 | (slot & 1)) * 2 ** bits;
    if (slot < 14) return base + range.reverse(special, bits, base - slot);
    return base + range.direct(bits - ALIGN_BITS) * 16 + range.reverse(align, ALIGN_BITS);
  }

  function repeated() {
    if (!place) broken();
    if (!range.bit(isRep0, state)) {
      if (!range.bit(isRep0Long, state)) {
        state = state < 7 ? 9 : 11;
        known();
        put(out[place - rep0 - 1]);
        return 0;
      }
    } else if (!range.bit(isRep1, state)) {
      [rep0, rep1] = [rep1, rep0];
    } else if (!range.bit(isRep2, state)) {
      [rep0, rep1, rep2] = [rep2, rep0, rep1];
    } else {
      [rep0, rep1, rep2, rep3] = [rep3, rep0, rep1, rep2];
    }
    const length = repLengths.decode(range);
    state = state < 7 ? 8 : 11;
    return length + MATCH_MIN;
  }

  for (;;) {
    if (!range.bit(isMatch, state)) {
      literal();
      continue;
    }
    let length;
    if (range.bit(isRep, state)) {
      length = repeated();
    } else {
      [rep1, rep2, rep3] = [rep0, rep1, rep2];
      length = lengths.decode(range);
      state = state < 7 ? 7 : 10;
      rep0 = distance(length);
      if (rep0 === END_DISTANCE) {
        if (range.code || range.place !== bytes.length || place !== size)
          invalid('the transparency has not as many samples as the picture');
        return out;
      }
      length += MATCH_MIN;
    }
    if (length) known();
    while (length--> 0) put(out[place - rep0 - 1]);
  }
}

/** The opacity of each pixel, in raster order. */
export function readAlpha(payload, width, height) {
  if (!payload.length) refuse('Truncated', 'truncated in the filter of the transparency');
  const [filter] = payload;
  if (filter > 3) invalid(`filter ${filter} of the transparency is not in 0..3`);
  const plane = expandLzma(payload.subarray(1), width * height);
  if (filter & 1)
    for (let i = 0; i < plane.length; i++) if (i % width) plane[i] += plane[i - 1];
  if (filter & 2)
    for (let i = width; i < plane.length; i++) plane[i] += plane[i - width];
  return plane;
}
