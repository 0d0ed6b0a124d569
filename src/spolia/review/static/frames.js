// The two frames: what is drawn in them, and how it is moved. Pictures are drawn on canvases: both
// move alike to the pixel, nothing flickers when they change places, and no picture is an element
// that can be dragged away.

const CLOSEST = 32;
const canvases = { left: document.getElementById("left"), right: document.getElementById("right") };

let pair = null; // its task, two bitmaps, the two laid over each other, and why one is missing
let view = fresh();
let tell = () => {};

function fresh() {
  return { scale: 1, x: 0, y: 0, blink: false, difference: false, laid: false };
}

// Show a pair; without one the frames take no commands. `laid` is filled when it is there.
export function place(one) {
  pair = one;
  view = fresh();
  draw();
}

// Call a function after everything that is drawn, with the pair and how it is looked at.
export function told(listener) {
  tell = listener;
}

export function overlay(one, bitmaps) {
  one.laid = bitmaps;
  if (one === pair) draw();
}

export function toggle(name) {
  if (!pair) return false;
  view[name] = !view[name];
  // Equal places must lie on equal places for a difference to mean anything.
  if (name === "difference" && view.difference) view.laid = pair.canLie;
  draw();
  return true;
}

export function blink(on) {
  if (!pair || view.blink === on) return;
  view.blink = on;
  if (on) view.laid = pair.canLie;
  draw();
}

export function fit() {
  Object.assign(view, { scale: 1, x: 0, y: 0 });
  draw();
}

export function plain() {
  view = fresh();
  draw();
}

function draw() {
  if (!pair) return;
  const over = view.laid && pair.laid !== null;
  const bitmaps = over ? pair.laid : pair.plain;
  const [first, second] = view.blink ? [1, 0] : [0, 1];
  const differ = view.difference && bitmaps.every(Boolean);
  paint(canvases.left, differ ? bitmaps : [bitmaps[first]], pair.broken[first]);
  paint(canvases.right, [bitmaps[second]], pair.broken[second]);
  tell(pair, { ...view, over });
}

function paint(canvas, bitmaps, broken) {
  const ratio = devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.resetTransform();
  context.globalCompositeOperation = "source-over";
  context.clearRect(0, 0, width, height);
  if (!bitmaps[0]) return unpaintable(context, width, height, ratio, broken);
  const fit = Math.min(width / bitmaps[0].width, height / bitmaps[0].height);
  const scale = fit * view.scale;
  // Looked at closely, pixels are seen as they are.
  context.imageSmoothingEnabled = scale < 8 || view.scale < 3;
  context.imageSmoothingQuality = "high";
  const [w, h] = [bitmaps[0].width * scale, bitmaps[0].height * scale];
  const side = Math.min(bitmaps[0].width, bitmaps[0].height) * fit;
  const box = [width / 2 - w / 2 + view.x * side, height / 2 - h / 2 + view.y * side, w, h];
  if (bitmaps.length === 1) return context.drawImage(bitmaps[0], ...box);
  context.fillStyle = "#000";
  context.fillRect(...box);
  context.globalCompositeOperation = "difference";
  bitmaps.forEach((one) => context.drawImage(one, ...box));
  context.globalCompositeOperation = "lighter";
  context.drawImage(canvas, 0, 0);
  context.drawImage(canvas, 0, 0);
  return undefined;
}

function unpaintable(context, width, height, ratio, why) {
  context.fillStyle = getComputedStyle(document.body).color;
  context.font = `${15 * ratio}px sans-serif`;
  context.textAlign = "center";
  context.fillText(why, width / 2, height / 2, width - 20 * ratio);
}

export function zoom(factor, at = { x: 0, y: 0 }) {
  if (!pair) return;
  const scale = Math.min(CLOSEST, Math.max(1, view.scale * factor));
  const real = scale / view.scale;
  // What is under the pointer stays there.
  view.x = at.x - (at.x - view.x) * real;
  view.y = at.y - (at.y - view.y) * real;
  view.scale = scale;
  move(0, 0);
}

export function move(x, y) {
  if (!pair) return;
  // The middle of the frame never leaves the picture.
  const reach = (view.scale - 1) / 2 + (view.scale > 1 ? 0.1 : 0);
  view.x = Math.min(reach, Math.max(-reach, view.x + x));
  view.y = Math.min(reach, Math.max(-reach, view.y + y));
  requestAnimationFrame(draw);
}

function measure(canvas) {
  const one = pair.plain.find(Boolean);
  if (!one) return 1;
  const fit = Math.min(canvas.clientWidth / one.width, canvas.clientHeight / one.height);
  return Math.min(one.width, one.height) * fit;
}

function inside(canvas, event) {
  const box = canvas.getBoundingClientRect();
  const side = measure(canvas);
  return {
    x: (event.clientX - box.left - box.width / 2) / side,
    y: (event.clientY - box.top - box.height / 2) / side,
  };
}

for (const canvas of Object.values(canvases)) {
  const fingers = new Map();
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (!pair) return;
    zoom(Math.exp(-Math.max(-60, Math.min(60, event.deltaY)) / 240), inside(canvas, event));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    canvas.classList.add("moving");
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before || !pair) return;
    const other = [...fingers.values()].find((one) => one.pointerId !== event.pointerId);
    fingers.set(event.pointerId, event);
    const side = measure(canvas);
    const share = other ? 0.5 : 1;
    if (other) {
      const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      const middle = {
        clientX: (event.clientX + other.clientX) / 2,
        clientY: (event.clientY + other.clientY) / 2,
      };
      zoom(apart(event) / Math.max(1, apart(before)), inside(canvas, middle));
    }
    move(
      (share * (event.clientX - before.clientX)) / side,
      (share * (event.clientY - before.clientY)) / side,
    );
  });
  for (const over of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(over, (event) => {
      fingers.delete(event.pointerId);
      canvas.classList.toggle("moving", fingers.size > 0);
    });
  }
}

new ResizeObserver(() => requestAnimationFrame(draw)).observe(document.getElementById("pair"));
