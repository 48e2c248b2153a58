// Corrects the predictions of lossless pixels with the kernel (FORMAT.md, section 14.7).

import { invalid } from './container.js';

export const PIXEL_LIMIT = 255, BEYOND = 'a decoded value is beyond that of any pixel';
export const TRACES = 6;
const COLOURS = 3, FIRST_SUMS = 3, STEPS = 3, OUTPUTS = 3;
const NO_NETWORK = [0, 0];

/** The stage on one grid; what it takes is given back with the scope that it is made in. */
export class Correction {
  /** from: rows and columns of phase A; traces: [2 rows][2 columns][3][2], those of phase A set;
   * logs: the place of the table of logarithms; networks: words of each pass, channel and step. */
  constructor(kernel, reader, { from: [rows, columns], traces, logs, networks }) {
    Object.assign(this, { kernel, reader, logs, networks, size: [rows, columns] });
    this.traceCount = traces.length;
    this.traces = kernel.put(traces);
    this.sums = Array.from({ length: COLOURS }, (_, channel) =>
      kernel.zeros(4 * (FIRST_SUMS + 2 * (channel + 1)) * rows * columns));
    for (let channel = 0; channel < COLOURS; channel++)
      this.call('begin', [0, 0, 0, 0, channel, 0], NO_NETWORK, 0, this.sums[channel], 0);
  }

  call(name, numbers, network, said, sums, pixels, ...places) {
    const { kernel, size, traces, logs } = this;
    kernel.scope(() => {
      const struct = kernel.words(...size, ...numbers, ...network, said, sums, traces, logs, pixels);
      kernel.call(name, struct, ...places);
    });
  }

  /** Decodes one channel of a pass, given the place of what its networks say.
   *
   * phase: row and column of the pass; inside: rows and columns of the phase that lie in the grid;
   * pixels: the place that gets them, 32 bits each. */
  decode(pass, channel, phase, inside, said, pixels) {
    const { kernel, reader, networks, sums } = this;
    stepSizes(inside).forEach((count, step) => kernel.scope(() => {
      const [corrected, whole, values, tables] =
        [4 * OUTPUTS, 4, 4, 2].map((bytes) => kernel.take(bytes * count));
      const network = networks[(pass * COLOURS + channel) * STEPS + step];
      const call = (name, ...places) => this.call(name, [...phase, ...inside, channel, step],
        network, said, sums[channel], pixels, ...places);
      call('expect', corrected, whole, tables);
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

/** What a step's network is for the kernel: its two layers. */
export const networkWords = (kernel, layers, tensors) =>
  layers.map((layer) => kernel.layer(layer.shape, tensors[layer.weights], tensors[layer.bias]));

/** Pixels at even rows and columns, at odd rows and columns, and all others. */
function stepSizes([rows, columns]) {
  const odd = (rows >> 1) * (columns >> 1), even = ((rows + 1) >> 1) * ((columns + 1) >> 1);
  return [even, odd, rows * columns - even - odd];
}
