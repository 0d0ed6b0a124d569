// The review page: what is on it, and what is done with it.

import { back, buttons, counts, title, ways } from "./ending.js";
import * as frames from "./frames.js";
import { ask, forget, picture } from "./talk.js";

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
const STEP = 1.25;
const HOW = "Wheel or + and − zoom, dragging moves both. Hold Space to blink; ? lists the keys.";
const HOW_TOUCH = "Pinch to zoom, drag to move both.";

const asked = location.pathname === "/disagreements" ? "decide" : "answer";
const $ = (id) => document.getElementById(id);
const touch = matchMedia("(hover: none)").matches;

let state = null; // what the program said last
let pair = null; // the pair on the screen, once its pictures are there
let again = false; // whether skipped pairs were asked for
let busy = false;
let seen = { since: null, before: 0 }; // for how long the pair was looked at, in milliseconds

const plain = (one) => [one.left, one.right].map((shown) => `/picture/${one.task}/${shown}`);
const laid = (one) => (state.question === "photo" ? plain(one).map((at) => `${at}/laid`) : []);
const every = (one) => [...plain(one), ...laid(one)];

// ------------------------------------------------------------------------- what is on the page

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
  frames.place(null);
  $("pair").dataset.ready = "";
  if (ended) return end();
  const [now, ...later] = state.pairs;
  forget(state.pairs.flatMap(every));
  const found = await Promise.allSettled(plain(now).map(picture));
  if (state !== next) return undefined; // another pair came meanwhile
  pair = {
    task: now.task,
    plain: found.map((each) => each.value || null),
    broken: found.map((each) => each.reason?.message || ""),
    canLie: state.question === "photo",
    laid: null,
  };
  seen = { since: document.hidden ? null : performance.now(), before: 0 };
  $("place").textContent = `${state.said + 1} of ${state.total}`;
  frames.place(pair);
  say(`${before}${place()}`);
  if (pair.canLie) lay(pair, laid(now));
  later.flatMap(every).forEach(picture);
  return undefined;
}

async function lay(one, addresses) {
  const found = await Promise.allSettled(addresses.map(picture));
  if (found.every((each) => each.value)) frames.overlay(one, found.map((each) => each.value));
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
  $("end-title").textContent = title(state, asked);
  $("counts").replaceChildren(...counts(state));
  const more = () => { again = true; show(state); };
  $("next").replaceChildren(buttons(state, more), ...ways(state, asked));
  say($("end-title").textContent);
  $("end").focus();
}

frames.told((shown, view) => {
  caption("left", view.difference ? "Difference" : view.blink ? "Right" : "Left");
  caption("right", view.blink ? "Left" : "Right");
  for (const name of ["blink", "difference", "laid"]) {
    document.querySelector(`[data-tool=${name}]`).setAttribute("aria-pressed", view[name]);
  }
  $("line").textContent = line(view);
  Object.assign($("pair").dataset, {
    ready: shown.task, blink: view.blink, difference: view.difference, laid: view.over,
    scale: view.scale.toFixed(3), x: view.x.toFixed(3), y: view.y.toFixed(3),
  });
});

function line(view) {
  if (view.difference) {
    return "Black where the two are equal; differences are shown four times as strong.";
  }
  if (view.laid && !view.over) return "The two are not laid over each other yet.";
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
  $(side).setAttribute("aria-label", `${text} picture of pair ${state.said + 1}`.replace(
    "Difference picture", "Difference of the two pictures"));
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
  await show(await ask(`/api/${asked}`));
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
    const next = await ask(`/api/${asked}/say`, { task: pair.task, answer: given, seconds: looked() });
    await show(next, `${given}. `);
  } finally {
    button.classList.remove("given");
  }
});

const tools = {
  undo: () => turn(async () => {
    const next = await ask(`/api/${asked}/undo`, {});
    if (next.undone) await show(next, "Taken back. ");
    else alarm("There is nothing to take back.");
  }),
  skip: () => pair && turn(async () => {
    await show(await ask(`/api/${asked}/skip`, { task: pair.task }), "Skipped. ");
  }),
  difference: () => look("difference"),
  laid: () => pair?.canLie && look("laid"),
  blink: () => frames.toggle("blink"),
  closer: () => frames.zoom(STEP),
  farther: () => frames.zoom(1 / STEP),
  fit: frames.fit,
  plain: frames.plain,
  help: () => ($("help").open ? $("help").close() : $("help").showModal()),
};

function look(name) {
  if (frames.toggle(name)) say(`${$("left-caption").textContent}. ${$("line").textContent}`);
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
    if (!event.repeat) frames.blink(true);
    return;
  }
  if (event.shiftKey && MOVES[key]) {
    event.preventDefault();
    frames.move(...MOVES[key].map((one) => one / 10));
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
  if (event.key === " ") frames.blink(false);
});
addEventListener("blur", () => frames.blink(false));

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.answer) answer(button.dataset.answer);
  if (button.dataset.tool) tools[button.dataset.tool]();
  // After a click of the mouse the space bar blinks, and does not press the button again.
  if (event.detail && (button.dataset.answer || button.dataset.tool)) button.blur();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) seen = { since: null, before: 1000 * looked() };
  else seen.since = performance.now();
});

turn(async () => {
  try {
    await show(await ask(`/api/${asked}`));
  } catch (error) {
    if (asked === "answer" || error.status !== 403) throw error;
    $("question").textContent = error.message;
    $("next").replaceChildren(back());
    $("end").hidden = false;
  }
});
