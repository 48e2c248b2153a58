// Pictures without loss: grids from a single pixel to the picture (FORMAT.md, section 14).

import { Tag, invalid, refuse } from './container.js';
import { BEYOND, Correction, PIXEL_LIMIT, TRACES, networkWords } from './correction.js';
import { SymbolReader, layerOf } from './kernel.js';
import { METHODS, moved, movesOf, readLevels } from './updates.js';

const PHASES = [[1, 1], [0, 1], [1, 0]];
const SEED = [128, 0, 0], GREY_TABLE = 4;
const CLASSES = 4, COLOURS = 3, NOTHING = new BigInt64Array(0);

/** The pixels of a lossless file: RGB in raster order. */
export function decodeLossless(kernel, model, file) {
  const { chunks, width, height } = file;
  if (chunks.has(Tag.PRIOR)) invalid('a lossless file has no prior that an update could change');
  const passes = chunks.has(Tag.UPDATE)
    ? makePasses(kernel, model, readHeads(kernel, model, chunks.get(Tag.UPDATE)))
    : (model.programs.passes ??= kernel.lasting(() => makePasses(kernel, model, new Map())));
  const { tensors, correctors, programs } = model;
  programs.correctors ??= kernel.lasting(
    () => correctors.map((corrector) => networkWords(kernel, corrector, tensors)));
  const reader = new SymbolReader(kernel, chunks.get(Tag.CONTENT), model.tables);
  const sizes = [[height, width]];
  while (Math.max(...sizes.at(-1)) > 1) sizes.push(sizes.at(-1).map((side) => Math.ceil(side / 2)));
  const [grey] = reader.code([GREY_TABLE]);
  if (grey !== 0 && grey !== 1) invalid('the picture is neither grey nor coloured');
  const channels = grey ? 1 : COLOURS, last = model.tableCount - 1;
  let known = new Int16Array(COLOURS), traces = new Int16Array(TRACES), stride = 1;
  reader.code(Array(channels).fill(last)).forEach((value, c) => {
    if (Math.abs(value + SEED[c]) > PIXEL_LIMIT) invalid(BEYOND);
    known[c] = value + SEED[c];
  });
  for (let number = sizes.length - 2; number >= 0; number--) {
    const from = sizes[number + 1], finer = new Int16Array(4 * from[0] * from[1] * TRACES);
    scatter(finer, from.map((side) => 2 * side), traces, stride, [0, 0], TRACES);
    const grid = { known, traces: finer, from, to: sizes[number], number, channels };
    [known, traces] = kernel.scope(() => refine(kernel, model, passes, reader, grid));
    stride = 2 * from[1];
  }
  return toRgb(known);
}

function toRgb(colours) {
  const rgb = new Uint8Array(colours.length);
  for (let i = 0; i < colours.length; i += COLOURS) {
    const green = colours[i], red = colours[i + 1] + green, blue = colours[i + 2] + green;
    if (Math.min(red, green, blue) < 0 || Math.max(red, green, blue) > PIXEL_LIMIT)
      invalid('a pixel is not in 0..255');
    rgb.set([red, green, blue], i);
  }
  return rgb;
}

/** The changed last layers of heads, by pass and channel. */
function readHeads(kernel, model, payload) {
  const { tensors, passes } = model;
  if (!payload.length) refuse('Truncated', 'truncated: the weight update is empty');
  if (METHODS[payload[0]] !== 'subspace')
    invalid(`unknown method ${payload[0]} of the weight update of a lossless file`);
  const scales = tensors[model.scales], body = payload.subarray(1);
  const { step, levels } = readLevels(kernel, body, scales, model.levelTables, model.tables);
  const changed = new Map();
  let place = 0;
  model.spaces.forEach((space, number) => {
    const [pass, channel] = model.heads[number], size = tensors[space.scales].length;
    const part = { step, levels: levels.subarray(place, place + size) };
    const layer = passes[pass].heads[channel].program.layers.at(-1);
    changed.set(`${pass}/${channel}`, moved(layerOf(layer, tensors), movesOf(space, part, tensors)));
    place += size;
  });
  return changed;
}

function makePasses(kernel, model, changed) {
  const make = (part, numbers) => {
    const last = part.program.layers.length - 1;
    const layers = numbers ? new Map([[last, numbers]]) : undefined;
    return { ...kernel.program(part.program, model.tensors, layers), names: part.registers };
  };
  return model.passes.map((pass, number) => ({
    ...Object.fromEntries(
      ['linear', 'settle', 'settle_grey'].map((kind) => [kind, pass[kind].map((one) => make(one))]),
    ),
    own: pass.own.map((ofClass) => ofClass.map((one) => make(one))),
    hidden: make(pass.hidden),
    heads: pass.heads.map((one, channel) => make(one, changed.get(`${number}/${channel}`))),
    grid: pass.grid.map((name) => BigInt64Array.from(model.tensors[name], BigInt)),
  }));
}

/** From one grid to the next finer one, and its traces. */
function refine(kernel, model, passes, reader, { known, traces, from, to, number, channels }) {
  const [rows, columns] = from, positions = rows * columns, kind = Math.min(number, CLASSES - 1);
  const arrays = { phase_0: kernel.put(known) };
  const logs = kernel.put(model.tensors[model.logs]);
  const finer = new Int16Array(COLOURS * to[0] * to[1]);
  scatter(finer, to, known, columns, [0, 0], COLOURS);
  const array = (name, bytes) => (arrays[name] ??= kernel.zeros(bytes * positions));
  const networks = model.programs.correctors;
  const stage = new Correction(kernel, reader, { from, traces, logs, networks });
  const pixels = kernel.take(4 * positions);
  passes.forEach((pass, index) => {
    const [row, column] = PHASES[index];
    const inside = [(to[0] - row + 1) >> 1, (to[1] - column + 1) >> 1];
    const run = (part, constants = NOTHING) => {
      const external = {};
      for (const [name, register] of Object.entries(part.names)) {
        const [bits, , count] = part.registers[register];
        external[register] = array(name, (bits / 8) * count);
      }
      kernel.scope(() => {
        const base = { base: from, kept: [inside[1], inside[0]], external, constants, logs };
        const job = kernel.job(part, { ...base, symbols: [0, 0, 0, pixels] });
        kernel.run(part, job, rows);
      });
    };
    delete arrays.error;
    run(pass.linear[kind]);
    run(pass.hidden, pass.grid[kind]);
    for (let channel = 0; channel < COLOURS; channel++) {
      run(pass.own[kind][channel]);
      if (channel >= channels) {
        run(pass.settle_grey[channel]);
        continue;
      }
      run(pass.heads[channel]);
      stage.decode(index, channel, [row, column], inside, array('said'), pixels);
      run(pass.settle[channel]);
    }
    arrays[`error_${index + 1}`] = arrays.error;
    const phase = kernel.view(Int16Array, arrays[`phase_${index + 1}`], COLOURS * positions);
    scatter(finer, to, phase, columns, [row, column], COLOURS);
  });
  return [finer, stage.copyTraces()];
}

/** Puts a phase of so many columns where it belongs in the finer grid; `count` numbers a pixel. */
function scatter(finer, [rows, columns], phase, width, [row, column], count) {
  for (let y = row; y < rows; y += 2)
    for (let x = column; x < columns; x += 2) {
      const at = count * ((y >> 1) * width + (x >> 1));
      finer.set(phase.subarray(at, at + count), count * (y * columns + x));
    }
}
