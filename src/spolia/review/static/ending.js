// What is said when no new pair is left.

export function title(state, asked) {
  const left = state.total - state.said;
  const all = state.total === 1 ? "the one pair" : `all ${state.total} pairs`;
  const skipped = left === 1 ? "the skipped one is" : "skipped ones are";
  if (left) return `${state.said} of ${state.total} pairs are done; only ${skipped} left.`;
  if (asked === "decide") return state.total ? `You have settled ${all}.` : "No pair is disputed.";
  return `You have answered ${all}. Thank you.`;
}

export function buttons(state, more) {
  const left = state.total - state.said;
  const made = sentence();
  made.className = "buttons";
  if (left) {
    const again = press(left === 1 ? "Show the skipped pair" : "Show the skipped pairs");
    again.id = "again";
    again.onclick = more;
    made.append(again);
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

export function ways(state, asked) {
  const said = [];
  if (asked === "answer" && state.to_decide) {
    const one = state.to_decide === 1;
    const link = element("a", one ? "Decide it" : "Decide them");
    link.href = "/disagreements";
    said.push(sentence(`Reviewers differ on ${state.to_decide} pair${one ? "" : "s"}. `, link, "."));
  }
  if (asked === "decide") said.push(back());
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

export function back() {
  const link = element("a", "Back to your own answers");
  link.href = "/";
  return sentence(link);
}

export function counts(state) {
  const left = state.total - state.said;
  const given = Object.entries(state.counts || {}).filter(([, count]) => count);
  return [...given, ...(left ? [["skipped", left]] : [])].flatMap(
    ([name, count]) => [element("dt", name), element("dd", String(count))],
  );
}
