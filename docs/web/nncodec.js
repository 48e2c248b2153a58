// Decodes .nni files in a page: no server, no dependency.
//
//   import { decode, modelsIn } from './nncodec.js';
//   const { width, height, rgba, info } = await decode(bytes, modelsIn('https://host/models/'));
//
// FORMAT.md says what is decoded; element.js shows pictures in a page.

import {
  FormatError, LOSSLESS, METADATA, Reader, Tag, crc32, hex, invalid, nameOf, readContainer, readMetadata,
  refuse, u32,
} from './container.js';
import { readAlpha } from './lzma.js';
import { Kernel } from './kernel.js';
import { decodeLossless } from './lossless.js';
import { decodeLearned, filterPicture, ofPixels } from './lossy.js';
import { loadModel, modelsIn } from './models.js';
import { openStandard, readStandard, readWebp } from './standard.js';
import { METHODS, readUpdate } from './updates.js';

export { FormatError, modelsIn };

const MOST_PIXELS = 2 ** 26;
const OPAQUE = 255;
const EXACT = {
  '5650384c': { name: 'WebP', opaque: true }, '56503841': { name: 'WebP', opaque: false },
  '4a584c20': { name: 'JPEG XL', opaque: true }, '4a584c41': { name: 'JPEG XL', opaque: false },
};
let kernel;
const loaded = new Map();

/** What a file says about itself, without decoding it.
 *
 * Returns width, height (not of standard files), quality, lossless, model, update (its method, or
 * ''), content (of standard files), alpha, and `chunks`, a list of names and bytes. */
export function describe(bytes) {
  const standard = openStandard(bytes);
  if (standard) return describeStandard(standard, bytes);
  const { chunks, ...header } = readContainer(bytes);
  return {
    ...header,
    update: methodOf(chunks.get(Tag.UPDATE)),
    alpha: chunks.has(Tag.ALPHA) || EXACT[header.model]?.opaque === false,
    chunks: Array.from(chunks, ([tag, payload]) => ({ name: nameOf(tag), bytes: payload.length })),
  };
}

const methodOf = (payload) => METHODS[payload?.[0]] ?? '';

function describeStandard({ content, payload }, bytes) {
  const { quality, model, update } = enhancementOf(payload);
  const chunks = [{ name: content.toUpperCase(), bytes: bytes.length - payload.length },
    { name: 'UPDATE', bytes: payload.length }];
  return { quality, model, content, update: methodOf(update), lossless: false, alpha: false, chunks };
}

/** Decodes a file.
 *
 * bytes: a Uint8Array. models: a function of an id that gives the file of a model, or null.
 * options: update: false leaves out the weight update; shared: update files (.nnu) at hand;
 * mostPixels: larger pictures are refused.
 *
 * Gives width, height, rgba (Uint8ClampedArray) and info: what `describe` says, complaint (why an
 * update of a standard file is left out), and metadata by name (ICC, EXIF, XMP, IPTC).
 * Throws a FormatError, whose message is one line, where a file is refused. */
export async function decode(bytes, models, options = {}) {
  kernel ??= Kernel.load(new URL('nncodec.wasm', import.meta.url));
  const engine = await kernel;
  try {
    return await decodeWith(engine, bytes, models, { update: true, shared: [], mostPixels: MOST_PIXELS, ...options });
  } catch (error) {
    // A kernel that has stopped is not asked again.
    if (error instanceof WebAssembly.RuntimeError) [kernel] = [undefined, loaded.clear()];
    throw error;
  }
}

async function decodeWith(engine, bytes, models, options) {
  const standard = openStandard(bytes);
  if (standard) return decodeStandard(engine, bytes, standard, models, options);
  const file = readContainer(bytes), { width, height, chunks } = file;
  checkSize(width, height, options);
  const metadata = {};
  for (const tag of METADATA)
    if (chunks.has(tag)) metadata[nameOf(tag)] = await readMetadata(chunks.get(tag));
  const { name, rgb } = EXACT[file.model]
    ? await decodeExact(file)
    : await decodeNetworks(engine, file, models, options);
  const alpha = chunks.has(Tag.ALPHA) ? readAlpha(chunks.get(Tag.ALPHA), width, height) : null;
  const rgba = joined(rgb, alpha);
  if (chunks.has(Tag.FINE)) checkFine(chunks.get(Tag.FINE), file);
  else if (chunks.has(Tag.PIXELS)) checkPixels(chunks.get(Tag.PIXELS), alpha ? rgba : rgb, options);
  return { width, height, rgba, info: { ...describe(bytes), name, metadata } };
}

/** A file whose content a model decodes. */
async function decodeNetworks(engine, file, models, options) {
  const model = await modelOf(engine, file.model, models);
  if ((model.content === 'lossless') !== file.lossless)
    invalid(`quality ${file.quality} does not go with ${model.content} content`);
  const rgb = file.lossless
    ? engine.scope(() => decodeLossless(engine, model, file))
    : await decodeLossy(engine, model, file, options);
  return { name: model.name, rgb };
}

/** A lossless file that holds a bitstream of another codec (section 14.6). */
async function decodeExact(file) {
  const { chunks } = file, { name, opaque } = EXACT[file.model];
  if (!file.lossless) invalid(`quality ${file.quality} does not go with a content without loss`);
  if (chunks.has(Tag.UPDATE) || chunks.has(Tag.PRIOR))
    invalid('the content has no networks that an update could change');
  if (!opaque && chunks.has(Tag.ALPHA)) invalid('the content has an opacity already');
  if (name !== 'WebP') invalid(`${name} content is not shown here: \`nncodec decode\` does`);
  return { name, rgb: await readWebp(chunks.get(Tag.CONTENT), file, opaque) };
}

function checkSize(width, height, { mostPixels }) {
  if (width * height > mostPixels)
    refuse('LimitExceeded', `${width}x${height} is more than ${mostPixels} pixels`);
}

function modelOf(engine, id, models) {
  if (!loaded.has(id)) {
    const found = loadModel(engine, id, models);
    loaded.set(id, found);
    found.catch(() => loaded.delete(id));
  }
  return loaded.get(id);
}

async function decodeLossy(engine, model, file, { update, shared }) {
  const { chunks } = file, content = chunks.get(Tag.CONTENT);
  const picture = model.scan ? null : await readStandard(content, model.content);
  if (picture && (picture.width !== file.width || picture.height !== file.height))
    invalid('the content has another size than the header states');
  const id = chunks.get(Tag.UPDATE);
  const files = update && id?.[0] === METHODS.indexOf('shared') ? await withIds(shared) : [];
  return engine.scope(() => {
    const changed = update && id ? readUpdate(engine, id, model, files) : undefined;
    const unfiltered = picture
      ? ofPixels(engine, model, picture)
      : decodeLearned(engine, model, file, content, chunks.get(Tag.PRIOR));
    return filterPicture(engine, model, file, unfiltered, changed);
  });
}

/** Update files with their SHA-256. */
const withIds = (files) => Promise.all(files.map(async (file) =>
  [new Uint8Array(await crypto.subtle.digest('SHA-256', file)), file]));

function joined(rgb, alpha) {
  const rgba = new Uint8ClampedArray((rgb.length / 3) * 4);
  for (let i = 0, at = 0; i < rgb.length; at += 4) {
    rgba[at] = rgb[i++];
    rgba[at + 1] = rgb[i++];
    rgba[at + 2] = rgb[i++];
    rgba[at + 3] = alpha ? alpha[at >> 2] : OPAQUE;
  }
  return rgba;
}

/** The payload of samples of more than 8 bits (section 14.8), of which only the first 8 are shown. */
function checkFine(payload, { lossless }) {
  if (!lossless) invalid('samples of more than 8 bits do not go with a file that has a loss');
  const reader = new Reader(payload), depth = reader.u8('depth'), rule = reader.u8('rule');
  if (depth < 8 || depth > 16) invalid(`the depth of samples is ${depth}, not in 8..16`);
  if (rule > 2) invalid(`unknown rule ${rule} of samples`);
  if (depth === 8) {
    if (reader.remaining) invalid('samples of 8 bits have no finer part');
    return;
  }
  const kind = reader.u8('kind of the finer part');
  if (kind > 3) invalid(`unknown kind ${kind} of the finer part`);
  if (kind & 2) reader.raw(2 * (kind & 1 ? 10 : 51), 'weights of the finer part');
}

function checkPixels(payload, samples, { update }) {
  if (payload.length !== 4) invalid('the checksum of the pixels has not 4 bytes');
  if (update && crc32(samples) !== u32(payload))
    refuse('ChecksumMismatch', 'decodes to other pixels here than at the encoder');
}

/** The payload of a standard file (section 12.4). */
function enhancementOf(payload) {
  const reader = new Reader(payload), version = reader.u8('the version of the enhancement');
  if (version !== 1) refuse('UnsupportedVersion', `enhancement of version ${version}`);
  const model = hex(reader.raw(4, 'a model'));
  const quality = reader.u8('a quality'), checksum = u32(reader.raw(4, 'a checksum'));
  if (quality >= LOSSLESS) invalid(`quality ${quality} is not in 0..200`);
  return { model, quality, checksum, update: reader.rest('an update') };
}

async function decodeStandard(engine, bytes, { content, payload }, models, options) {
  const picture = await readStandard(bytes, content), { width, height } = picture;
  checkSize(width, height, options);
  const { update, checksum, ...header } = enhancementOf(payload);
  const file = { ...header, width, height };
  const model = await modelOf(engine, file.model, models);
  if (model.content !== content) refuse('UnknownModel', `model ${model.name} is not for ${content}`);
  const same = checksum === await checksumOf(picture, payload);
  const complaint = same ? '' : 'was changed, or is decoded otherwise here: its update is left out';
  const rgb = engine.scope(() => {
    const wanted = options.update && same && update.length;
    const changed = wanted ? readUpdate(engine, update, model, []) : undefined;
    return filterPicture(engine, model, file, ofPixels(engine, model, picture), changed);
  });
  const info = { ...describe(bytes), width, height, complaint, name: model.name, metadata: {} };
  return { width, height, rgba: joined(rgb, null), info };
}

async function checksumOf({ width, height, rgba }, payload) {
  const update = payload.subarray(10), pixels = width * height;
  const data = new Uint8Array(8 + 3 * pixels + 6 + update.length);
  new DataView(data.buffer).setUint32(0, width, true);
  new DataView(data.buffer).setUint32(4, height, true);
  for (let i = 0; i < pixels; i++) data.set(rgba.subarray(4 * i, 4 * i + 3), 8 + 3 * i);
  data.set(payload.subarray(0, 6), 8 + 3 * pixels);
  data.set(update, 14 + 3 * pixels);
  return u32(new Uint8Array(await crypto.subtle.digest('SHA-256', data)));
}
