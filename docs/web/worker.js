// Decodes for element.js, beside the page.

import { decode, modelsIn } from './nncodec.js';

self.onmessage = async ({ data: { id, bytes, folder, options } }) => {
  try {
    const picture = await decode(bytes, modelsIn(folder), options);
    self.postMessage({ id, picture }, [picture.rgba.buffer]);
  } catch ({ message, kind }) {
    self.postMessage({ id, error: { message, kind } });
  }
};
