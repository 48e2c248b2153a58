// Two pictures on top of each other: the left one is clipped at the dividing line.

const ZOOMS = [1, 2, 4, 8];
const WHEEL_STEP = 1.15;
const KEY_STEP = 0.02;

const PART_NAMES = { alpha: "opacity", pixels: "checksum of the pixels" };

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

function caption(variant) {
  const { psnr_db: psnr, ssimulacra2 } = variant.figures;
  return [variant.title, psnr, ssimulacra2 && `SSIMULACRA2 ${ssimulacra2}`]
    .filter(Boolean).join("   ");
}

// What surrounds the pictures, written once.

function showFiles() {
  document.title = `${facts.files.map((file) => file.name).join(", ")} - nncodec view`;
  for (const file of facts.files) {
    const decoded = facts.variants.find((variant) => variant.key === file.decoded);
    const rows = [
      ["size", `${facts.width} × ${facts.height}`],
      ["file", `${count(file.bytes)} B`],
      ["rate", `${file.bpp.toFixed(3)} bpp`],
      ["PSNR", decoded.figures.psnr_db],
      ["SSIMULACRA2", decoded.figures.ssimulacra2],
      ["quality", file.quality],
      ["model", file.model],
    ];
    const list = make("dl");
    for (const [term, value] of rows.filter(([, value]) => value !== undefined && value !== null)) {
      const row = make("div");
      row.append(make("dt", term), make("dd", value));
      list.append(row);
    }
    const about = make("div");
    about.append(make("h1", file.name), list);
    if (file.remark) about.append(make("p", `The picture ${file.remark}`, "remark"));
    $("files").append(about);
    showParts(file);
  }
}

function showParts(file) {
  const parts = Object.entries(file.parts);
  const framing = file.bytes - parts.reduce((sum, [, bytes]) => sum + bytes, 0);
  const bar = make("div", undefined, "bar");
  const legend = make("ul");
  if (facts.files.length > 1) legend.append(make("li", file.name));
  for (const [name, bytes] of [...parts, ["header and checksum", framing]]) {
    const share = make("span", undefined, name);
    share.style.flexGrow = bytes;
    bar.append(share);
    const entry = make("li");
    const percent = ((100 * bytes) / file.bytes).toFixed(1);
    const said = PART_NAMES[name] ?? name;
    entry.append(make("i", undefined, name), `${said}  ${count(bytes)} B  ${percent} %`);
    legend.append(entry);
  }
  $("parts").append(bar, legend);
}

function showChoices() {
  for (const side of ["left", "right"]) {
    const select = $(`${side}-choice`);
    facts.variants.forEach((variant, index) => select.add(new Option(variant.title, index)));
    select.oninput = () => choose(side, Number(select.value));
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
  const { key } = facts.variants[index];
  sides[side].src = `${key}.png`;
  $(`${side}-save`).href = `${key}.png`;
  $(`${side}-save`).download = `${key}.png`;
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
    $(`${side}-choice`).value = state[side];
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
    if (event.target.tagName === "SELECT") return;
    if (event.key === " " && event.target.tagName === "BUTTON") return;
    event.preventDefault();
    keys[event.key]();
  });
  addEventListener("resize", () => (state.fit ? zoomToFit() : draw()));
}

async function start() {
  facts = await (await fetch("facts.json")).json();
  showFiles();
  showChoices();
  // The most telling pair first: the two files, or what went in and what comes out, or what the
  // update changes.
  const place = (key) => facts.variants.findIndex((variant) => variant.key === key);
  const [first, second] = facts.files.map((file) => place(file.decoded));
  const other = first === 0 ? facts.variants.length - 1 : 0;
  choose("left", second === undefined ? other : first);
  choose("right", second === undefined ? first : second);
  if (facts.variants.length === 1) {
    document.body.classList.add("single");
    state.divide = 1;
  }
  await Promise.all(Object.values(sides).map((picture) => picture.decode()));
  zoomToFit();
  listen();
  document.body.dataset.ready = "true";
}

start();
