// Corrects the predictions of lossless pixels with the kernel (FORMAT.md, section 14.7).

import { invalid } from './container.js';

export const PIXEL_LIMIT = 255, BEYOND = 'a decoded value is beyond that of any pixel';
export const TRACES = 6;
const COLOURS = 3, FIRST_SUMS = 3, GAINS = 6;

/** The stage on one grid; what it takes is given back with the scope that it is made in. */
export class Correction {
  /** from: rows and columns of phase A; traces: [2 rows][2 columns][3][2], those of phase A set;
   * logs: the place of the table of logarithms; gains: by pass, channel and step. */
  constructor(kernel, reader, { from: [rows, columns], traces, logs, gains }) {
    Object.assign(this, { kernel, reader, logs, gains, size: [rows, columns] });
    this.traceCount = traces.length;
    this.traces = kernel.put(traces);
    this.sums = Array.from({ length: COLOURS }, (_, channel) =>
      kernel.zeros(4 * (FIRST_SUMS + 2 * (channel + 1)) * rows * columns));
    for (let channel = 0; channel < COLOURS; channel++)
      this.call('begin', [0, 0, 0, 0, channel, 0], Array(GAINS).fill(0), 0, this.sums[channel], 0);
  }

  call(name, numbers, gains, said, sums, pixels, ...places) {
    const { kernel, size, traces, logs } = this;
    kernel.scope(() => {
      const struct = kernel.words(...size, ...numbers, ...gains, said, sums, traces, logs, pixels);
      kernel.call(name, struct, ...places);
    });
  }

  /** Decodes one channel of a pass, given the place of what its networks say.
   *
   * phase: row and column of the pass; inside: rows and columns of the phase that lie in the grid;
   * pixels: the place that gets them, 32 bits each. */
  decode(pass, channel, phase, inside, said, pixels) {
    const { kernel, reader, gains, sums } = this;
    stepSizes(inside).forEach((count, step) => kernel.scope(() => {
      const [whole, values, tables] = [4, 4, 2].map((bytes) => kernel.take(bytes * count));
      const call = (name, ...places) => this.call(name, [...phase, ...inside, channel, step],
        gains[pass][channel][step], said, sums[channel], pixels, ...places);
      call('expect', whole, tables);
      reader.call(count, tables, values);
      const found = kernel.view(Int32Array, values, count);
      kernel.view(Int32Array, whole, count).forEach((value, n) => {
        found[n] += value;
        if (Math.abs(found[n]) > PIXEL_LIMIT) invalid(BEYOND);
      });
      call('learn', values);
    }));
  }

  /** The traces of the grid. */
  copyTraces() { return this.kernel.view(Int16Array, this.traces, this.traceCount).slice(); }
}

/** Pixels at even rows and columns, at odd rows and columns, and all others. */
function stepSizes([rows, columns]) {
  const odd = (rows >> 1) * (columns >> 1), even = ((rows + 1) >> 1) * ((columns + 1) >> 1);
  return [even, odd, rows * columns - even - odd];
}
