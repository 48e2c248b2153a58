// The compiled kernel (codec/decoding/engines/kernel) and what it makes. Its structures are words of
// 32 bits here; kernel.h says what they mean.

import { invalid, refuse } from './container.js';

const ABI = 7;
const SIMD = 5, PORTABLE = 0;
const READER_BYTES = 32;
const ERRORS = [
  null,
  () => { throw new RangeError('there is not enough memory for this picture'); },
  () => { throw new Error('the kernel was given what it can not run'); },
  () => invalid('the weight update leaves the exact range'),
  () => invalid('the coded data are invalid'),
  () => refuse('Truncated', 'truncated: the coded data end too early'),
];

function check(status) {
  if (status) ERRORS[status]();
}

/** A WebAssembly instance. What is taken or made in a `scope` is given back at its end. */
export class Kernel {
  constructor(instance) {
    this.x = instance.exports;
    this.x._initialize();
    if (this.x.nnc_abi() !== ABI) throw new Error('nncodec.wasm is of another version');
    this.level = this.x.nnc_runs(SIMD) ? SIMD : PORTABLE;
    this.kept = [];
    this.undo = this.kept;
  }

  static async load(url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url} is missing`);
    const { instance } = await WebAssembly.instantiate(await response.arrayBuffer(), {});
    return new Kernel(instance);
  }

  scope(work) { return this.within([], work, (undo) => undo.reverse().forEach((one) => one())); }

  /** What is made in here stays for later pictures. */
  lasting(work) { return this.within(this.kept, work, () => {}); }

  within(undo, work, end) {
    const outer = this.undo;
    this.undo = undo;
    try {
      return work();
    } finally {
      end(undo);
      this.undo = outer;
    }
  }

  take(bytes) {
    const place = this.x.nnc_take(Math.max(bytes, 8)) >>> 0;
    if (!place) check(1);
    this.undo.push(() => this.x.nnc_give(place));
    return place;
  }

  view(Type, place, length) { return new Type(this.x.memory.buffer, place, length); }

  put(array) {
    const place = this.take(array.byteLength);
    this.view(array.constructor, place, array.length).set(array);
    return place;
  }

  /** Calls a function by its name, less `nnc_`. */
  call(name, ...places) { check(this.x[`nnc_${name}`](...places)); }

  words(...numbers) { return this.put(Int32Array.from(numbers)); }

  zeros(bytes) {
    const place = this.take(bytes);
    this.view(Uint8Array, place, bytes).fill(0);
    return place;
  }

  /** A new object of the kernel, by the name of its functions; it gets the places of arrays. */
  made(kind, ...values) {
    const handle = this.scope(() => {
      const places = values.map((value) => (ArrayBuffer.isView(value) ? this.put(value) : value));
      const out = this.take(4);
      check(this.x[`nnc_${kind}_new`](...places, out));
      return this.view(Uint32Array, out, 1)[0];
    });
    this.undo.push(() => this.x[`nnc_${kind}_free`](handle));
    return handle;
  }

  tables(sizes, frequencies) {
    const counts = [Int32Array.from(sizes), sizes.length];
    return this.made('tables', ...counts, Int32Array.from(frequencies), BigInt(frequencies.length));
  }

  layer(shape, weights, bias) {
    const numbers = [shape, weights, bias].map((array) => Int32Array.from(array));
    return this.made('layer', this.level, ...numbers);
  }

  /** A program as a model's file describes it; `changed` has other numbers of layers by index. */
  program(described, tensors, changed = new Map()) {
    const layers = described.layers.map((layer, index) => {
      const { weights, bias } = changed.get(index) ?? layerOf(layer, tensors);
      const places = [tensors[layer.weight_places], tensors[layer.bias_places]];
      return this.layer(layer.shape, ordered(weights, places[0]), ordered(bias, places[1]));
    });
    const parts = [described.registers, described.instructions, layers];
    const words = parts.flatMap((rows) => [Int32Array.from(rows.flat()), rows.length]);
    const handle = this.made('program', ...words);
    return { handle, registers: described.registers };
  }

  /** What a program works on.
   *
   * base: rows and columns; kept: width and height; external: places by register; constants: a
   * BigInt64Array; symbols: places of means, steps and tables, and of the symbols themselves. */
  job(program, { base, kept, external, constants, logs = 0, symbols = [0, 0, 0, 0] }) {
    const places = program.registers.map((_, register) => external[register] ?? 0);
    const numbers = [this.put(constants), constants.length, 0];
    return this.words(...base, ...kept, this.words(...places), ...numbers, logs, ...symbols);
  }

  /** Runs a program on all rows of its base grid. */
  run(program, job, rows) { check(this.x.nnc_run(program.handle, job, 0, rows)); }

  /** Places of means, steps, tables and symbols, for so many of them. */
  symbols(count) { return [8, 8, 2, 4].map((bytes) => this.take(bytes * count)); }

  scan(program, rows, columns) { return this.made('scan', program.handle, rows, columns); }

  step(scan, job, [start, stop], rows, [row, column] = [0, 0], place = 0, blank = 0) {
    this.scope(() => {
      const step = this.words(start, stop, row, column, blank, 0, place, 0);
      check(this.x.nnc_scan_run(scan, job, step, 0, rows));
    });
  }
}

/** The numbers of a layer, in the order of model files. */
export function layerOf(layer, tensors) {
  return { weights: tensors[layer.weights], bias: tensors[layer.bias] };
}

// From a plain array: places may have a smaller type than the numbers.
const ordered = (numbers, places) => (places ? Array.from(places, (at) => numbers[at]) : numbers);

/** Reads the symbols of one codeword. */
export class SymbolReader {
  constructor(kernel, bytes, tables) {
    this.kernel = kernel;
    this.state = kernel.take(READER_BYTES);
    this.where = [this.state, kernel.put(bytes), BigInt(bytes.length), tables];
    kernel.x.nnc_reader_start(...this.where.slice(0, 3));
  }

  /** One call: as many values, by the tables at a place, to another place. */
  call(count, tables, values) {
    check(this.kernel.x.nnc_reader_call(...this.where, BigInt(count), tables, values));
  }

  /** One call with an array of tables. */
  code(tables) {
    return this.kernel.scope(() => {
      const values = this.kernel.take(4 * tables.length);
      this.call(tables.length, this.kernel.put(Uint16Array.from(tables)), values);
      return this.kernel.view(Int32Array, values, tables.length).slice();
    });
  }
}
