// <nncodec-img src="picture.nni" alt="..."> shows a picture in a page, much as <img> does.
//
// Attributes: src, alt, models (folder of the models, "models/" if there is none). Events: "load",
// whose detail is the picture, and "error", whose detail is the error; then alt stands in its place. It
// decodes in a worker, once it comes near the part of the page that is seen, and takes no room before.

const FOLDER = new URL('models/', import.meta.url);
let worker, last = 0;
const waiting = new Map();

/** Decodes in a worker; takes what `decode` takes, with the URL of a folder for the models. */
export function decodeAside(bytes, folder = FOLDER, options = {}) {
  worker ??= started();
  return new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject });
    worker.postMessage({ id: last, bytes, folder: String(folder), options });
  });
}

function started() {
  const made = new Worker(new URL('worker.js', import.meta.url), { type: 'module' });
  made.onmessage = ({ data: { id, picture, error } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(Object.assign(new Error(error.message), error));
    else resolve(picture);
  };
  made.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message ?? 'the worker stopped'));
    waiting.clear();
    worker = undefined;
  };
  return made;
}

/** Puts a decoded picture on a canvas; sRGB, or as close as the browser comes to its profile. */
export function paint(canvas, { width, height, rgba }) {
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext('2d').putImageData(new ImageData(rgba, width, height), 0, 0);
}

class PictureElement extends HTMLElement {
  static observedAttributes = ['src', 'alt'];

  constructor() {
    super();
    this.canvas = document.createElement('canvas');
    this.words = document.createElement('span');
    const style = document.createElement('style');
    style.textContent = ':host{display:inline-block}canvas{display:block;max-width:100%;height:auto}'
      + ':host([hidden]),[hidden]{display:none}';
    this.attachShadow({ mode: 'open' }).append(style, this.canvas, this.words);
    this.canvas.setAttribute('role', 'img');
    this.canvas.hidden = this.words.hidden = true;
  }

  connectedCallback() {
    this.seen = new IntersectionObserver(([entry]) => entry.isIntersecting && this.show(), { rootMargin: '50%' });
    this.seen.observe(this);
  }

  disconnectedCallback() { this.seen?.disconnect(); }

  attributeChangedCallback(name, before, now) {
    if (name === 'alt') this.canvas.ariaLabel = this.words.textContent = now ?? '';
    else if (this.shown && before !== now) this.show();
  }

  /** Loads and paints what `src` names. */
  async show() {
    this.seen?.disconnect();
    const src = this.getAttribute('src');
    if (!src || src === this.shown) return;
    this.shown = src;
    try {
      const response = await fetch(new URL(src, document.baseURI));
      if (!response.ok) throw new Error(`${src} is missing`);
      const models = this.getAttribute('models');
      const folder = models ? new URL(models, document.baseURI) : FOLDER;
      const picture = await decodeAside(new Uint8Array(await response.arrayBuffer()), folder);
      if (this.shown !== src) return;
      paint(this.canvas, picture);
      [this.canvas.hidden, this.words.hidden] = [false, true];
      this.dispatchEvent(new CustomEvent('load', { detail: picture }));
    } catch (error) {
      if (this.shown !== src) return;
      [this.canvas.hidden, this.words.hidden] = [true, false];
      this.dispatchEvent(new CustomEvent('error', { detail: error }));
    }
  }
}

customElements.define('nncodec-img', PictureElement);
