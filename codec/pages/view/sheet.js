// A tile for each file; pictures are decoded when they come into sight.

const sheet = document.getElementById("sheet");
const order = document.getElementById("order");
const files = await (await fetch("files.json")).json();
const count = (n) => n.toLocaleString("en");

function tile(file) {
  const link = document.createElement("a");
  link.href = `${file.number}/`;
  const picture = new Image();
  picture.loading = "lazy";
  picture.alt = file.name;
  picture.src = `${file.number}/thumbnail.png`;
  const name = document.createElement("b");
  name.textContent = file.name;
  const facts = document.createElement("span");
  const parts = [
    `${file.width} × ${file.height}`,
    `${count(file.bytes)} B`,
    `${file.bpp.toFixed(3)} bpp`,
    file.quality === null ? "" : `quality ${file.quality}`,
  ].filter(Boolean);
  for (const part of parts) facts.append(Object.assign(document.createElement("i"), { textContent: part }));
  link.append(picture, name, facts);
  return link;
}

const tiles = new Map(files.map((file) => [file, tile(file)]));

function arrange() {
  const by = order.value;
  const sorted = [...files].sort((a, b) =>
    by === "name" ? a.number - b.number : b[by] - a[by]);
  sheet.replaceChildren(...sorted.map((file) => tiles.get(file)));
}

const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
const pixels = files.reduce((sum, file) => sum + file.width * file.height, 0);
document.getElementById("count").textContent =
  `${files.length} ${files.length === 1 ? "file" : "files"}, ${count(bytes)} B, ` +
  `${((8 * bytes) / pixels).toFixed(3)} bpp`;
order.addEventListener("input", arrange);
arrange();
document.body.dataset.ready = "true";
