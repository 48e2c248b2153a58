// Two pictures on top of each other: the left one is clipped at the dividing line.

const ZOOMS = [1, 2, 4, 8];
const WHEEL_STEP = 1.15;
const KEY_STEP = 0.02;

const $ = (id) => document.getElementById(id);
const stage = $("stage");
const sides = { left: $("left"), right: $("right") };

let facts;
const state = {
  left: 0,        // index of the variant on each side
  right: 0,
  divide: 0.5,    // of the stage's width
  scale: 1,       // screen pixels (CSS) for each picture pixel
  fit: true,      // whether the scale follows the size of the window
  x: 0,           // where the picture's corner is on the stage
  y: 0,
};

function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

const count = (n) => n.toLocaleString("en");

function psnr(variant) {
  if (variant.psnr_db === null) return "";
  return variant.psnr_db === "equal" ? "lossless" : `${variant.psnr_db.toFixed(2)} dB`;
}

function caption(variant) {
  return [variant.title, psnr(variant)].filter(Boolean).join("   ");
}

// What surrounds the pictures, written once.

function showFacts() {
  document.title = `${facts.name} - nncodec view`;
  $("name").textContent = facts.name;
  $("remark").textContent = facts.remark && `The picture ${facts.remark}`;
  const decoded = facts.variants.find((variant) => variant.key === "decoded");
  const rows = [
    ["size", `${facts.width} × ${facts.height}`],
    ["file", `${count(facts.bytes)} B`],
    ["rate", `${facts.bpp.toFixed(3)} bpp`],
    ["PSNR", psnr(decoded)],
    ["quality", facts.quality ?? ""],
    ["model", facts.model ?? ""],
  ];
  for (const [term, value] of rows.filter(([, value]) => value !== "")) {
    const row = make("div");
    row.append(make("dt", term), make("dd", value));
    $("figures").append(row);
  }
}

function showParts() {
  const parts = Object.entries(facts.parts);
  const framing = facts.bytes - parts.reduce((sum, [, bytes]) => sum + bytes, 0);
  for (const [name, bytes] of [...parts, ["header and checksum", framing]]) {
    const share = make("span", undefined, name);
    share.style.flexGrow = bytes;
    $("bar").append(share);
    const entry = make("li");
    const percent = ((100 * bytes) / facts.bytes).toFixed(1);
    entry.append(make("i", undefined, name), `${name}  ${count(bytes)} B  ${percent} %`);
    $("legend").append(entry);
  }
}

function showChoices() {
  for (const side of ["left", "right"]) {
    facts.variants.forEach((variant, index) => {
      const button = make("button", variant.title);
      button.onclick = () => choose(side, index);
      $(`${side}-choice`).append(button);
    });
  }
  const fit = make("button", "Fit");
  fit.onclick = zoomToFit;
  $("zoom-choice").append(fit);
  for (const zoom of ZOOMS) {
    const button = make("button", `${100 * zoom} %`);
    button.onclick = () => zoomTo(zoom / devicePixelRatio, ...middle());
    $("zoom-choice").append(button);
  }
}

// What changes.

function choose(side, index) {
  state[side] = index;
  sides[side].src = `${facts.variants[index].key}.png`;
  draw();
}

function draw() {
  const { scale, x, y } = state;
  const line = state.divide * stage.clientWidth;
  for (const side of ["left", "right"]) {
    const picture = sides[side];
    picture.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    picture.classList.toggle("pixels", scale * devicePixelRatio >= 2);
    picture.alt = facts.variants[state[side]].title;
    $(`${side}-caption`).textContent = caption(facts.variants[state[side]]);
    [...$(`${side}-choice`).children].forEach((button, index) =>
      button.setAttribute("aria-pressed", index === state[side]));
  }
  const shown = Math.min(Math.max((line - x) / scale, 0), facts.width);
  sides.left.style.clipPath = `inset(0 ${facts.width - shown}px 0 0)`;
  $("wipe").style.left = `${line}px`;
  $("wipe").setAttribute("aria-valuenow", Math.round(100 * state.divide));
  const [fit, ...fixed] = $("zoom-choice").children;
  fit.setAttribute("aria-pressed", state.fit);
  fixed.forEach((button, index) => button.setAttribute(
    "aria-pressed", !state.fit && Math.abs(scale * devicePixelRatio - ZOOMS[index]) < 1e-6));
}

function zoomToFit() {
  const margin = 24;
  state.fit = true;
  state.scale = Math.min(
    (stage.clientWidth - 2 * margin) / facts.width,
    (stage.clientHeight - 2 * margin) / facts.height);
  state.x = (stage.clientWidth - state.scale * facts.width) / 2;
  state.y = (stage.clientHeight - state.scale * facts.height) / 2;
  draw();
}

// Keeps the point (x, y) of the stage on the same point of the picture.
function zoomTo(scale, x, y) {
  const next = Math.min(Math.max(scale, 0.02), 64);
  state.x = x - (x - state.x) * (next / state.scale);
  state.y = y - (y - state.y) * (next / state.scale);
  state.scale = next;
  state.fit = false;
  draw();
}

const middle = () => [stage.clientWidth / 2, stage.clientHeight / 2];

function divideAt(fraction) {
  state.divide = Math.min(Math.max(fraction, 0), 1);
  draw();
}

function swap() {
  const { left, right } = state;
  choose("left", right);
  choose("right", left);
}

// Pointer and keys.

function drag(element, onMove) {
  element.addEventListener("pointerdown", (down) => {
    if (down.button !== 0 || (element === stage && down.target === $("wipe"))) return;
    element.setPointerCapture(down.pointerId);
    stage.classList.toggle("moving", element === stage);
    const move = (event) => onMove(event);
    element.addEventListener("pointermove", move);
    element.addEventListener("lostpointercapture", () => {
      element.removeEventListener("pointermove", move);
      stage.classList.remove("moving");
    }, { once: true });
  });
}

function listen() {
  drag($("wipe"), (event) => {
    const box = stage.getBoundingClientRect();
    divideAt((event.clientX - box.left) / box.width);
  });
  drag(stage, (event) => {
    state.x += event.movementX;
    state.y += event.movementY;
    state.fit = false;
    draw();
  });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    const factor = event.deltaY < 0 ? WHEEL_STEP : 1 / WHEEL_STEP;
    zoomTo(state.scale * factor, event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  stage.addEventListener("dblclick", zoomToFit);
  const keys = {
    ArrowLeft: () => divideAt(state.divide - KEY_STEP),
    ArrowRight: () => divideAt(state.divide + KEY_STEP),
    " ": swap,
    "+": () => zoomTo(state.scale * 2, ...middle()),
    "=": () => zoomTo(state.scale * 2, ...middle()),
    "-": () => zoomTo(state.scale / 2, ...middle()),
    0: zoomToFit,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    if (event.key === " " && event.target.tagName === "BUTTON") return;
    event.preventDefault();
    keys[event.key]();
  });
  addEventListener("resize", () => (state.fit ? zoomToFit() : draw()));
}

async function start() {
  facts = await (await fetch("facts.json")).json();
  showFacts();
  showParts();
  showChoices();
  // The most telling pair first: what went in and what comes out, or what the update changes.
  const decoded = facts.variants.findIndex((variant) => variant.key === "decoded");
  choose("left", decoded === 0 ? facts.variants.length - 1 : 0);
  choose("right", decoded);
  await Promise.all(Object.values(sides).map((picture) => picture.decode()));
  zoomToFit();
  listen();
  document.body.dataset.ready = "true";
}

start();
