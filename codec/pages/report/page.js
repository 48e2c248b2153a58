const stage = document.getElementById("stage");
const divide = document.getElementById("divide");
for (const map of document.querySelectorAll("main section img")) {
  if (!stage.contains(map)) stage.append(map.cloneNode());
}
const images = [...stage.querySelectorAll("img")];
const sides = ["left", "right"].map((id) => document.getElementById(id));

for (const select of sides) {
  images.forEach((image, index) => select.add(new Option(image.alt, index)));
}
sides[0].value = 0;
sides[1].value = 1;

function draw() {
  const [left, right] = sides.map((select) => images[select.value]);
  for (const image of images) {
    image.style.visibility = image === left || image === right ? "visible" : "hidden";
    image.style.clipPath = "none";
    image.style.zIndex = 0;
  }
  left.style.zIndex = 1;
  if (left !== right) left.style.clipPath = `inset(0 ${100 - divide.value}% 0 0)`;
  const line = document.getElementById("line");
  line.style.left = `${divide.value}%`;
  line.style.zIndex = 2;
}

function follow(event) {
  if (event.type === "pointermove" && !event.buttons) return;
  const box = stage.getBoundingClientRect();
  divide.value = (100 * (event.clientX - box.left)) / box.width;
  draw();
}

for (const link of document.querySelectorAll(".download")) {
  link.href = images.find((image) => image.alt === link.dataset.of).src;
}
for (const image of images) image.draggable = false;
for (const type of ["pointerdown", "pointermove"]) stage.addEventListener(type, follow);
for (const element of [divide, ...sides]) element.addEventListener("input", draw);
draw();
