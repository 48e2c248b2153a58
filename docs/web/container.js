// Files as a header and chunks: FORMAT.md, sections 2 to 5.

/** Why a file is refused; `kind` is the class that the Python package has for it. */
export class FormatError extends Error {
  constructor(kind, message) {
    super(message);
    this.name = 'FormatError';
    this.kind = kind;
  }
}

export const refuse = (kind, message) => { throw new FormatError(kind, message); };
export const invalid = (message) => refuse('InvalidField', message);

export const Tag = {
  UPDATE: 0x01, CONTENT: 0x02, PRIOR: 0x04, FINE: 0x08, ALPHA: 0x10,
  ICC: 0x90, EXIF: 0x91, XMP: 0x92, IPTC: 0x93, PIXELS: 0x94,
};
export const METADATA = [Tag.ICC, Tag.EXIF, Tag.XMP, Tag.IPTC];
export const LOSSLESS = 201;
const NAMES = Object.fromEntries(Object.entries(Tag).map(([name, tag]) => [tag, name]));
const MAGIC = [0x8e, 0x4e, 0x4e];
const VERSION = 1, MINIMUM = 17, ANCILLARY = 0x80;
const LIMITS = { side: 65535, pixels: 2 ** 28, chunk: 2 ** 30, metadata: 2 ** 24 };

export const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
export const nameOf = (tag) => NAMES[tag] ?? `0x${tag.toString(16)}`;

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** The CRC-32 of zlib. */
export function crc32(bytes) {
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = CRC[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

export const u32 = (b, at = 0) => (b[at] | b[at + 1] << 8 | b[at + 2] << 16 | b[at + 3] << 24) >>> 0;

/** Takes fields in order, never past the end. */
export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.position = 0;
  }

  get remaining() { return this.bytes.length - this.position; }

  raw(size, what) {
    if (size > this.remaining) refuse('Truncated', `truncated in ${what}`);
    this.position += size;
    return this.bytes.subarray(this.position - size, this.position);
  }

  rest(what) { return this.raw(this.remaining, what); }

  u8(what) { return this.raw(1, what)[0]; }

  varint(what) {
    let value = 0;
    for (let index = 0; index < 5; index++) {
      const byte = this.u8(what);
      value += (byte & 127) * 2 ** (7 * index);
      if (byte < 128) {
        if (!byte && index) invalid(`${what} is not in its shortest form`);
        if (value >= 2 ** 32) invalid(`${what} does not fit in 32 bits`);
        return value;
      }
    }
    return invalid(`${what} is longer than 5 bytes`);
  }
}

/** The header and the chunks (a Map by tag) of a file whose checksum is right. */
export function readContainer(bytes) {
  if (MAGIC.some((byte, i) => i < bytes.length && bytes[i] !== byte))
    refuse('BadMagic', 'not a file of this format');
  if (bytes.length < MINIMUM) refuse('Truncated', 'truncated: shorter than any file of this format');
  if (bytes[3] !== VERSION)
    refuse('UnsupportedVersion', `format version ${bytes[3]}, this page reads version ${VERSION}`);
  const end = bytes.length - 4;
  if (crc32(bytes.subarray(0, end)) !== u32(bytes, end))
    refuse('ChecksumMismatch', 'damaged or cut short: the checksum does not match');
  const reader = new Reader(bytes.subarray(4, end));
  return { ...readHeader(reader), chunks: readChunks(reader) };
}

function readHeader(reader) {
  const width = reader.varint('width'), height = reader.varint('height');
  const quality = reader.u8('quality'), model = hex(reader.raw(4, 'model'));
  for (const side of [width, height])
    if (side < 1 || side > LIMITS.side) invalid(`the side ${side} is not in 1..${LIMITS.side}`);
  if (quality > LOSSLESS) invalid(`quality ${quality} is not in 0..${LOSSLESS}`);
  if (width * height > LIMITS.pixels) refuse('LimitExceeded', `${width}x${height} is too large`);
  return { width, height, quality, model, lossless: quality === LOSSLESS };
}

function readChunks(reader) {
  const chunks = new Map();
  let before = 0;
  while (reader.remaining) {
    const tag = reader.u8('chunk tag'), length = reader.varint('chunk length');
    if (length > LIMITS.chunk) refuse('LimitExceeded', `chunk ${nameOf(tag)} is too long`);
    const payload = reader.raw(length, `chunk ${nameOf(tag)}`);
    const critical = tag < ANCILLARY;
    if (!(tag in NAMES)) {
      if (critical) invalid(`unknown critical chunk ${nameOf(tag)}: a newer version may be needed`);
      continue;
    }
    if (chunks.has(tag) || (critical && tag <= before))
      invalid(`chunk ${nameOf(tag)} is repeated or out of order`);
    if (critical) before = tag;
    chunks.set(tag, payload);
  }
  if (!chunks.has(Tag.CONTENT)) invalid('the file has no CONTENT chunk');
  return chunks;
}

/** The bytes of a chunk with metadata (section 5.2). */
export async function readMetadata(payload) {
  const reader = new Reader(payload), size = reader.varint('size of metadata');
  if (!size) invalid('a chunk with metadata holds none');
  if (size > LIMITS.metadata) refuse('LimitExceeded', `metadata of ${size} bytes`);
  const data = await expand(reader.rest('metadata'), 'deflate-raw', size).catch(() => null);
  if (data?.length !== size) invalid('metadata are not one deflate stream of their size');
  return data;
}

/** What a compressed stream holds, or one byte more than `most` of it. */
export async function expand(bytes, format, most = Infinity) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format));
  const parts = [];
  let size = 0;
  for (const reader = stream.getReader(); size <= most;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
