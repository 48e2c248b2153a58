// Model files for pages, as scripts/release/web_models.py writes them.

import { expand, refuse } from './container.js';

const TYPES = { I16: Int16Array, I32: Int32Array };

/** A function that finds the files of models by their id in a folder, for `decode`. */
export function modelsIn(folder) {
  return async (id) => {
    const response = await fetch(new URL(`${id}.bin.gz`, folder));
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
  };
}

/** Loads a model and makes its programs. */
export async function loadModel(kernel, id, find) {
  const packed = await find(id);
  if (!packed) refuse('UnknownModel', `needs the model ${id}, which this page does not have`);
  // Some servers say that such a file is compressed, and browsers then expand it.
  const bytes = packed[0] === 0x1f && packed[1] === 0x8b ? await expand(packed, 'gzip') : packed;
  const head = 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const { __metadata__: { web }, ...entries } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, head)));
  const tensors = {};
  for (const [name, { dtype, data_offsets: [first, last] }] of Object.entries(entries))
    tensors[name] = new TYPES[dtype](bytes.slice(head + first, head + last).buffer);
  const described = JSON.parse(web);
  const { filter, scan, synthesis, sizes, frequencies } = described;
  return kernel.lasting(() => ({
    ...described,
    tensors,
    levelTables: described.tables,
    tables: kernel.tables(tensors[sizes], tensors[frequencies]),
    tableCount: tensors[sizes].length,
    programs: Object.fromEntries(
      Object.entries({ filter, scan, synthesis })
        .filter(([, part]) => part)
        .map(([name, part]) => [name, kernel.program(part.program, tensors)]),
    ),
  }));
}
