// Lossy pictures: latents -> picture -> post-filter (FORMAT.md, sections 8 and 10). Which layers run,
// in which order, is data of the model.

import { invalid } from './container.js';
import { SymbolReader } from './kernel.js';
import { movesOf, readLevels } from './updates.js';

const BLOCK_PX = 16, LATENT_BYTES = 8, HALF = 12, UNIT_GAIN = 2048;
const LIMIT_OF_SCALES = 2n ** 53n;

/** The constants of a job at a quality: base + vector * quality + what depends on its step. */
export function constantsOf({ base, vector, rows, row }, tensors, half) {
  const [b, v, r, table] = [base, vector, row, rows].map((name) => tensors[name]);
  const quality = half - 100;
  return BigInt64Array.from(b, (value, i) =>
    BigInt(value + Math.floor((v[i] * quality + 2048) / 4096) + table[r[i] * 201 + half]));
}

/** The picture of a learned content before the post-filter: its place and sides. */
export function decodeLearned(kernel, model, file, content, prior) {
  const rows = Math.ceil(file.height / BLOCK_PX), columns = Math.ceil(file.width / BLOCK_PX);
  const even = [rows + (rows % 2), columns + (columns % 2)];
  const latents = readLatents(kernel, model, file.quality, content, prior, [rows, columns], even);
  const { synthesis, tensors } = model;
  const program = model.programs.synthesis;
  const finer = 2 ** program.registers[synthesis.target][1];
  const sides = even.map((side) => side * finer);
  const picture = kernel.take(4 * HALF * sides[0] * sides[1]);
  const constants = constantsOf(synthesis.constants, tensors, file.quality);
  const external = { [synthesis.source]: latents, [synthesis.target]: picture };
  const job = kernel.job(program, { base: even, kept: even, external, constants });
  kernel.run(program, job, even[0]);
  return { picture, sides };
}

function readLatents(kernel, model, half, content, prior, [rows, columns], even) {
  const { scan, tensors } = model, program = model.programs.scan;
  const channels = program.registers[scan.latents][2];
  const latents = kernel.zeros(LATENT_BYTES * channels * even[0] * even[1]);
  const constants = constantsOf(scan.constants, tensors, half);
  if (prior) changeScales(kernel, model, prior, constants);
  const counts = ({ phases, channels }) =>
    phases.map(([r, c]) => channels * ((rows - r + 1) >> 1) * ((columns - c + 1) >> 1));
  const total = (step) => counts(step).reduce((a, b) => a + b, 0);
  const most = Math.max(...scan.steps.filter((step) => step.code).map(total));
  const symbols = kernel.symbols(most), [, , tables, values] = symbols;
  const job = kernel.job(program, {
    base: even, kept: [columns, rows], external: { [scan.latents]: latents },
    constants, logs: kernel.put(tensors[scan.logs]), symbols,
  });
  const state = kernel.scan(program, ...even);
  const reader = new SymbolReader(kernel, content, model.tables);
  for (const step of scan.steps) {
    if (step.code) {
      reader.call(total(step), tables, values);
    } else if (step.phases) {
      let place = 0;
      counts(step).forEach((count, i) => {
        kernel.step(state, job, step.run, even[0] / 2, step.phases[i], place, step.blank);
        place += count;
      });
    } else {
      kernel.step(state, job, step.run, even[0]);
    }
  }
  return latents;
}

/** A PRIOR payload (section 8.4): gains and offsets of the scales, in the constants. */
function changeScales(kernel, model, payload, constants) {
  const { scan, tensors } = model;
  if (!scan?.space) invalid('the model has no prior that an update could change');
  const found = readLevels(kernel, payload, tensors[scan.space.scales], model.filter.tables, model.tables);
  const { weights, biases } = movesOf(scan.space, found, tensors);
  const gains = tensors[scan.gain], offsets = tensors[scan.offset], channels = gains.length;
  const largest = [0n, 0n];
  const keep = (place, value, kind) => {
    constants[place] = BigInt(value);
    const size = constants[place] < 0n ? -constants[place] : constants[place];
    if (size > largest[kind]) largest[kind] = size;
  };
  for (let c = 0; c < channels; c++) {
    keep(gains[c], UNIT_GAIN + weights[c], 0);
    keep(offsets[c], biases[channels + c], 1);
  }
  if ((largest[0] << 24n) + largest[1] >= LIMIT_OF_SCALES)
    invalid('the update of the prior leaves the exact range');
}

/** The picture of a standard content before the post-filter, of its pixels in RGBA. */
export function ofPixels(kernel, model, { width, height, rgba }) {
  const { multiple } = model.filter;
  const sides = [height, width].map((side) => (Math.ceil(side / multiple) * multiple) / 2);
  const picture = kernel.take(4 * HALF * sides[0] * sides[1]);
  const values = kernel.view(Int32Array, picture, HALF * sides[0] * sides[1]);
  for (let y = 0, at = 0; y < sides[0]; y++)
    for (let x = 0; x < sides[1]; x++)
      for (let v = 0; v < 2; v++)
        for (let u = 0; u < 2; u++) {
          const row = Math.min(2 * y + v, height - 1), column = Math.min(2 * x + u, width - 1);
          for (let c = 0; c < 3; c++) values[at++] = 16 * (rgba[4 * (row * width + column) + c] - 128);
        }
  return { picture, sides };
}

/** The filtered pixels, RGB in raster order; `changed` are layers with an update applied. */
export function filterPicture(kernel, model, file, { picture, sides }, changed) {
  const { filter, tensors } = model, { width, height } = file;
  const program = changed ? kernel.program(filter.program, tensors, changed) : model.programs.filter;
  const pixels = kernel.take(3 * width * height);
  const job = kernel.job(program, {
    base: sides, kept: [width, height],
    external: { [filter.source]: picture, [filter.target]: pixels },
    constants: constantsOf(filter.constants, tensors, file.quality),
  });
  kernel.run(program, job, Math.ceil(height / 2));
  return kernel.view(Uint8Array, pixels, 3 * width * height).slice();
}
