// JPEG and WebP files: where an update stands in them, and their pixels as the browser decodes them
// (FORMAT.md, sections 5.1 and 12).

import { Reader, invalid, refuse } from './container.js';

const MOST_CARRIED = 65529;
const ascii = (bytes) => String.fromCharCode(...bytes);
const startsWith = (bytes, text) => ascii(bytes.subarray(0, text.length)) === text;

/** The kind of a standard file, or undefined. */
function kindOf(bytes) {
  if (startsWith(bytes, '\xff\xd8\xff')) return 'jpeg';
  if (startsWith(bytes, 'RIFF') && startsWith(bytes.subarray(8), 'WEBP')) return 'webp';
  if (startsWith(bytes.subarray(4), 'ftyp')) return 'avif';
  return undefined;
}

/** The content and the payload of a standard file; null for files of this codec. */
export function openStandard(bytes) {
  const content = kindOf(bytes);
  if (!content) return null;
  if (content === 'avif') refuse('InvalidField', 'AVIF files are not shown here: `nncodec decode` does');
  const found = Array.from(PARTS[content](bytes)).filter((part) => part.payload);
  if (found.length > 1) invalid('the file carries more than one update');
  if (!found.length) invalid('carries nothing for this decoder; `nncodec enhance` adds it');
  const [{ payload }] = found;
  if (payload.length > MOST_CARRIED) refuse('LimitExceeded', 'an update is too long');
  return { content, payload };
}

/** The segments before the picture of a JPEG file. */
function* jpegParts(bytes) {
  const reader = new Reader(bytes);
  reader.raw(2, 'SOI');
  for (;;) {
    const start = reader.position;
    if (reader.u8('a JPEG marker') !== 0xff) invalid(`no JPEG segment begins at byte ${start}`);
    let code = reader.u8('a JPEG marker');
    while (code === 0xff) code = reader.u8('a JPEG marker');
    if (!((code >= 0xe0 && code < 0xf0) || code === 0xfe)) return;
    const length = reader.u8('a segment') * 256 + reader.u8('a segment');
    if (length < 2) invalid(`the JPEG segment at byte ${start} has the length ${length}`);
    const data = reader.raw(length - 2, 'a JPEG segment');
    const ours = code === 0xea && startsWith(data, 'NNU\0');
    // What turns a picture, or changes its colours; JFIF and Adobe say how they are coded.
    const shown = code !== 0xe0 && code !== 0xee;
    yield { start, end: reader.position, shown, payload: ours ? data.subarray(4) : null };
  }
}

/** The chunks of a WebP file. */
function* webpParts(bytes) {
  const end = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  const reader = new Reader(new Reader(bytes).raw(end, 'the RIFF chunk'));
  reader.raw(12, 'the WebP header');
  while (reader.remaining) {
    const start = reader.position, tag = ascii(reader.raw(4, 'a WebP chunk'));
    const field = reader.raw(4, 'a WebP chunk');
    const size = new DataView(field.buffer, field.byteOffset).getUint32(0, true);
    const data = reader.raw(size, 'a WebP chunk');
    reader.raw(size % 2, 'the padding of a WebP chunk');
    const shown = tag === 'ICCP' || tag === 'EXIF';
    yield { start, end: reader.position, shown, payload: tag === 'nnUP' ? data : null };
  }
}

const PARTS = { jpeg: jpegParts, webp: webpParts };

/** The picture as it is stored: its size and RGBA, neither turned nor converted. */
export async function readStandard(bytes, content) {
  if (!PARTS[content]) refuse('InvalidField', `${content} content is not shown here: \`nncodec decode\` does`);
  if (kindOf(bytes) !== content) invalid(`the content is not a ${content} file`);
  const bare = content === 'jpeg' ? without(bytes, jpegParts(bytes)) : bytes;
  const options = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };
  let bitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bare], { type: `image/${content}` }), options);
  } catch {
    invalid(`the content is not a readable ${content} file`);
  }
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return { width, height, rgba: context.getImageData(0, 0, width, height).data };
}

const SIDE = 0x3fff, OPACITY = 1 << 28;

/** The colours of a bitstream VP8L, whose model says whether it is opaque (section 14.6). */
export async function readWebp(data, { width, height }, opaque) {
  if (data.length < 5 || data[0] !== 0x2f) invalid('the content is not a readable WebP bitstream');
  const bits = new DataView(data.buffer, data.byteOffset).getUint32(1, true);
  if ((bits & SIDE) + 1 !== width || ((bits >>> 14) & SIDE) + 1 !== height)
    invalid('the content has another size than the header states');
  if (opaque !== !(bits & OPACITY))
    invalid(`the content has ${opaque ? 'an' : 'no'} opacity, against what the header states`);
  // Browsers keep colours multiplied by their opacity, and do not give them back exactly.
  if (!opaque) invalid('WebP content with an opacity is not shown here: `nncodec decode` does');
  const { rgba } = await readStandard(riff(data), 'webp');
  return Uint8Array.from({ length: 3 * width * height }, (_, i) => rgba[4 * Math.floor(i / 3) + (i % 3)]);
}

/** A WebP file of one chunk. */
function riff(data) {
  const padded = data.length + (data.length % 2), file = new Uint8Array(20 + padded);
  const text = (name, at) => file.set(Array.from(name, (letter) => letter.charCodeAt()), at);
  const view = new DataView(file.buffer);
  text('RIFF', 0);
  view.setUint32(4, 12 + padded, true);
  text('WEBPVP8L', 8);
  view.setUint32(16, data.length, true);
  file.set(data, 20);
  return file;
}

/** A file without what changes how its picture is shown. */
function without(bytes, parts) {
  const kept = [];
  let place = 0;
  for (const { start, end, shown } of parts) {
    if (!shown) continue;
    kept.push(bytes.subarray(place, start));
    place = end;
  }
  const joined = [...kept, bytes.subarray(place)];
  const out = new Uint8Array(joined.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of joined) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
