// The review page. Pictures are drawn on canvases: both move alike to the pixel, nothing flickers
// when they change places, and no picture is an element that can be dragged away.
"use strict";

const QUESTIONS = {
  person: "Do these show the same person?",
  photo: "Is one a copy of the other, perhaps edited?",
};
const KEYS = { 1: "same", 2: "different", 3: "unsure", 4: "not comparable" };
const LETTERS = { s: "same", d: "different", u: "unsure", n: "not comparable" };
const TOOL_KEYS = {
  z: "undo", backspace: "undo", arrowright: "skip", x: "difference", a: "laid",
  "+": "closer", "=": "closer", "-": "farther", 0: "fit", "?": "help", escape: "plain",
};
const MOVES = { arrowleft: [1, 0], arrowright: [-1, 0], arrowup: [0, 1], arrowdown: [0, -1] };
const CLOSEST = 32;
const STEP = 1.25;
const HOW = "Wheel or + and − zoom, dragging moves both. Hold Space to blink; ? lists the keys.";
const HOW_TOUCH = "Pinch to zoom, drag to move both.";

const asked = location.pathname === "/disagreements" ? "decide" : "answer";
const $ = (id) => document.getElementById(id);
const canvases = { left: $("left"), right: $("right") };
const touch = matchMedia("(hover: none)").matches;

let state = null; // what the program said last
let pair = null; // the pair on the screen, once its pictures are there
let again = false; // whether skipped pairs were asked for
let busy = false;
let view = null;
let seen = { since: null, before: 0 }; // for how long the pair was looked at, in milliseconds
const pictures = new Map(); // address to promise of a bitmap

// ------------------------------------------------------------------- talking to the program

async function ask(path, sent) {
  const options = sent === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(sent),
  };
  let response;
  try {
    response = await fetch(`/api/${asked}${path}`, options);
  } catch {
    throw new Error("The program does not answer. Start spolia review again; answers are kept.");
  }
  if (response.ok) return response.json();
  const told = (response.headers.get("content-type") || "").startsWith("application/json")
    ? (await response.json()).error : await response.text();
  const error = new Error(told.trim());
  error.status = response.status;
  throw error;
}

function picture(address) {
  if (!pictures.has(address)) {
    pictures.set(address, fetch(address).then(async (response) => {
      if (response.ok) return createImageBitmap(await response.blob());
      throw new Error(response.status === 403
        ? "No pictures are shown to other machines." : "This picture cannot be shown.");
    }));
    pictures.get(address).catch(() => {}); // told where it is shown
  }
  return pictures.get(address);
}

const plain = (one) => [one.left, one.right].map((shown) => `/picture/${one.task}/${shown}`);
const laid = (one) => (state.question === "photo" ? plain(one).map((at) => `${at}/laid`) : []);

function forget(pairs) {
  const wanted = new Set(pairs.flatMap((one) => [...plain(one), ...laid(one)]));
  for (const address of pictures.keys()) if (!wanted.has(address)) pictures.delete(address);
}

// ------------------------------------------------------------------------- what is on the page

function fresh() {
  return { scale: 1, x: 0, y: 0, blink: false, difference: false, laid: false };
}

function say(text) {
  $("status").textContent = text;
}

function alarm(text) {
  $("alert").textContent = text;
  $("alert").hidden = !text;
}

async function show(next, before = "") {
  state = next;
  progress();
  const left = state.total - state.said;
  const ended = left === 0 || (!again && state.skipped === left);
  $("review").hidden = ended;
  $("end").hidden = !ended;
  pair = null;
  $("pair").dataset.ready = "";
  if (ended) return end();
  const [now, ...later] = state.pairs;
  forget(state.pairs);
  view = fresh();
  const found = await Promise.allSettled(plain(now).map(picture));
  if (state !== next) return undefined; // another pair came meanwhile
  pair = {
    task: now.task,
    plain: found.map((each) => each.value || null),
    broken: found.map((each) => each.reason?.message || ""),
    over: [null, null],
  };
  seen = { since: document.hidden ? null : performance.now(), before: 0 };
  $("pair").dataset.task = now.task;
  $("place").textContent = `${state.said + 1} of ${state.total}`;
  draw();
  say(`${before}${place()}`);
  lay(pair, laid(now));
  for (const one of later) [...plain(one), ...laid(one)].forEach(picture);
  return undefined;
}

async function lay(one, addresses) {
  const found = await Promise.allSettled(addresses.map(picture));
  if (!found.length || found.some((each) => !each.value)) return;
  one.over = found.map((each) => each.value);
  if (one === pair) draw();
}

function place() {
  const number = state.said + 1;
  return asked === "decide"
    ? `Pair ${number} of ${state.total} to decide.` : `Pair ${number} of ${state.total}.`;
}

function progress() {
  const { said, total } = state;
  $("question").textContent = QUESTIONS[state.question];
  $("place").textContent = `${said} of ${total}`;
  $("reviewer").textContent = state.reviewer;
  document.title = `${said} of ${total} · spolia review`;
  const track = $("track");
  track.setAttribute("aria-valuemax", total);
  track.setAttribute("aria-valuenow", said);
  track.setAttribute("aria-valuetext", `${said} of ${total} answered`);
  track.firstElementChild.style.width = `${total ? (100 * said) / total : 100}%`;
  $("about").hidden = asked === "answer" && state.mode === "estimate";
  $("about").textContent = asked === "decide"
    ? "Two reviewers differ on these pairs. Your word settles them."
    : "Triage: the most telling pairs come first, so no rate follows from these answers.";
  document.querySelectorAll(".photo, [data-tool=laid]").forEach((one) => {
    one.hidden = state.question !== "photo";
  });
}

function end() {
  const left = state.total - state.said;
  const counts = Object.entries(state.counts || {}).filter(([, count]) => count);
  $("end-title").textContent = title(left);
  $("counts").replaceChildren(...[...counts, ...(left ? [["skipped", left]] : [])].flatMap(
    ([name, count]) => [element("dt", name), element("dd", String(count))],
  ));
  $("next").replaceChildren(buttons(left), ...ways());
  say($("end-title").textContent);
  $("end").focus();
}

function title(left) {
  const all = state.total === 1 ? "the one pair" : `all ${state.total} pairs`;
  const skipped = left === 1 ? "the skipped one is" : "skipped ones are";
  if (left) return `${state.said} of ${state.total} pairs are done; only ${skipped} left.`;
  if (asked === "decide") return state.total ? `You have settled ${all}.` : "No pair is disputed.";
  return `You have answered ${all}. Thank you.`;
}

function buttons(left) {
  const made = sentence();
  made.className = "buttons";
  if (left) {
    const more = press(left === 1 ? "Show the skipped pair" : "Show the skipped pairs");
    more.id = "again";
    more.onclick = () => { again = true; show(state); };
    made.append(more);
  }
  if (state.said) {
    const undo = press("Undo the last answer ");
    undo.dataset.tool = "undo";
    undo.append(element("kbd", "z"));
    made.append(undo);
  }
  return made;
}

function press(text) {
  const made = element("button", text);
  made.type = "button";
  return made;
}

function ways() {
  const said = [];
  if (asked === "answer" && state.to_decide) {
    const one = state.to_decide === 1;
    const link = element("a", one ? "Decide it" : "Decide them");
    link.href = "/disagreements";
    said.push(sentence(`Reviewers differ on ${state.to_decide} pair${one ? "" : "s"}. `, link, "."));
  }
  if (asked === "decide") {
    const link = element("a", "Back to your own answers");
    link.href = "/";
    said.push(sentence(link));
  }
  said.push(sentence("End the review with Ctrl-C in the terminal. Then ",
    element("code", "spolia report RUN"), " puts it into the report."));
  if (state.alone && state.mode === "estimate") {
    said.push(sentence("Two people see more than one: ",
      element("code", "spolia review RUN --reviewer NAME"), " shows the same pairs to a second."));
  }
  return said;
}

function element(name, text = "") {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function sentence(...parts) {
  const made = element("p");
  made.append(...parts);
  return made;
}

// ------------------------------------------------------------------------------------- drawing

function draw() {
  if (!pair) return;
  const over = view.laid && pair.over.every(Boolean);
  const [left, right] = over ? pair.over : pair.plain;
  const first = view.blink ? right : left;
  const second = view.blink ? left : right;
  const both = left && right;
  paint(canvases.left, view.difference && both ? [left, right] : [first], pair.broken[0]);
  paint(canvases.right, [second], pair.broken[1]);
  caption("left", view.difference ? "Difference" : view.blink ? "Right" : "Left");
  caption("right", view.blink ? "Left" : "Right");
  for (const name of ["blink", "difference", "laid"]) {
    document.querySelector(`[data-tool=${name}]`).setAttribute("aria-pressed", view[name]);
  }
  $("line").textContent = line();
  Object.assign($("pair").dataset, {
    ready: pair.task, blink: view.blink, difference: view.difference, laid: over,
    scale: view.scale.toFixed(3), x: view.x.toFixed(3), y: view.y.toFixed(3),
  });
}

function line() {
  if (view.difference) return "Black where the two are equal; differences are shown four times as strong.";
  if (view.laid && !pair.over.every(Boolean)) return "These two cannot be laid over each other.";
  if (view.laid) return "Aligned: one is turned, mirrored and cut to lie over the other.";
  if (state.revealed) return revealed(state.revealed);
  return touch ? HOW_TOUCH : HOW;
}

function revealed({ similarity, score }) {
  const told = [["similarity", similarity], ["score", score]].filter(([, value]) => value !== null);
  if (!told.length) return touch ? HOW_TOUCH : HOW;
  return `The last pair: ${told.map(([name, value]) => `${name} ${value.toFixed(3)}`).join(", ")}.`;
}

function caption(side, text) {
  const there = $(`${side}-caption`);
  there.textContent = text;
  there.classList.toggle("other", text.toLowerCase() !== side);
  canvases[side].setAttribute("aria-label", `${text} picture of pair ${state.said + 1}`.replace(
    "Difference picture", "Difference of the two pictures"));
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

// ------------------------------------------------------------------------------ zoom and motion

function zoom(factor, at = { x: 0, y: 0 }) {
  if (!pair) return;
  const scale = Math.min(CLOSEST, Math.max(1, view.scale * factor));
  const real = scale / view.scale;
  // What is under the pointer stays there.
  view.x = at.x - (at.x - view.x) * real;
  view.y = at.y - (at.y - view.y) * real;
  view.scale = scale;
  move(0, 0);
}

function move(x, y) {
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
      const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
      zoom(apart(event) / Math.max(1, apart(before)), inside(canvas, middle));
    }
    move((share * (event.clientX - before.clientX)) / side, (share * (event.clientY - before.clientY)) / side);
  });
  for (const over of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(over, (event) => {
      fingers.delete(event.pointerId);
      canvas.classList.toggle("moving", fingers.size > 0);
    });
  }
}

// -------------------------------------------------------------------------------- what is done

async function turn(work) {
  if (busy) return;
  busy = true;
  alarm("");
  try {
    await work();
  } catch (error) {
    await recover(error);
  } finally {
    busy = false;
  }
}

async function recover(error) {
  if (error.status !== 409) return alarm(error.message);
  await show(await ask(""));
  return alarm("That pair was answered elsewhere, in another tab perhaps. Here is the next one.");
}

function looked() {
  const now = seen.since === null ? 0 : performance.now() - seen.since;
  return (seen.before + now) / 1000;
}

const answer = (given) => pair && turn(async () => {
  const button = document.querySelector(`[data-answer="${given}"]`);
  button.classList.add("given");
  try {
    const next = await ask("/say", { task: pair.task, answer: given, seconds: looked() });
    await show(next, `${given}. `);
  } finally {
    button.classList.remove("given");
  }
});

const tools = {
  undo: () => turn(async () => {
    const next = await ask("/undo", {});
    const nothing = !next.undone;
    if (!nothing) await show(next, "Taken back. ");
    if (nothing) alarm("There is nothing to take back.");
  }),
  skip: () => pair && turn(async () => show(await ask("/skip", { task: pair.task }), "Skipped. ")),
  difference: () => toggle("difference"),
  laid: () => state.question === "photo" && toggle("laid"),
  blink: () => blink(!view.blink),
  closer: () => zoom(STEP),
  farther: () => zoom(1 / STEP),
  fit: () => { if (pair) Object.assign(view, { scale: 1, x: 0, y: 0 }); draw(); },
  plain: () => { if (pair) view = fresh(); draw(); },
  help: () => ($("help").open ? $("help").close() : $("help").showModal()),
};

function toggle(name) {
  if (!pair) return;
  view[name] = !view[name];
  // Equal places must lie on equal places for a difference to mean anything.
  if (name === "difference" && view.difference) view.laid = state.question === "photo";
  draw();
  say(`${$("left-caption").textContent}. ${$("line").textContent}`);
}

function blink(on) {
  if (!pair || view.blink === on) return;
  view.blink = on;
  if (on) view.laid = state.question === "photo";
  draw();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if ($("help").open) {
    if (key === "?") $("help").close();
    return;
  }
  const here = document.activeElement;
  if (key === " ") {
    // A button that was reached by keyboard is pressed by it, as everywhere.
    if (here instanceof HTMLButtonElement || here instanceof HTMLAnchorElement) return;
    event.preventDefault();
    if (!event.repeat) blink(true);
    return;
  }
  if (event.shiftKey && MOVES[key]) {
    event.preventDefault();
    move(...MOVES[key].map((one) => one / 10));
    return;
  }
  const repeats = ["closer", "farther"].includes(TOOL_KEYS[key]);
  if (event.repeat && !repeats) return;
  if (KEYS[key] || LETTERS[key]) answer(KEYS[key] || LETTERS[key]);
  else if (TOOL_KEYS[key]) {
    event.preventDefault();
    tools[TOOL_KEYS[key]]();
  }
});
document.addEventListener("keyup", (event) => {
  if (event.key === " ") blink(false);
});
addEventListener("blur", () => blink(false));

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.answer) answer(button.dataset.answer);
  if (button.dataset.tool) tools[button.dataset.tool]();
  // After a click of the mouse the space bar blinks, and does not press the button again.
  if (event.detail && (button.dataset.answer || button.dataset.tool)) button.blur();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) seen = { since: null, before: seen.before + (seen.since === null ? 0 : performance.now() - seen.since) };
  else seen.since = performance.now();
});
new ResizeObserver(() => requestAnimationFrame(draw)).observe($("pair"));

turn(async () => {
  try {
    await show(await ask(""));
  } catch (error) {
    if (asked === "answer" || error.status !== 403) throw error;
    const back = element("a", "Back to your own answers");
    back.href = "/";
    $("question").textContent = error.message;
    $("next").replaceChildren(sentence(back));
    $("end").hidden = false;
  }
});
