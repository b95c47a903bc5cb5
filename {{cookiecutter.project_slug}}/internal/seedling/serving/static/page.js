// The try-it page: reads the form, sends it to the model, shows the answer. The attributes of the
// page hold text of model.yaml, which is only ever set as text.
"use strict";

const TIMEOUT_MILLISECONDS = 60000; // to wait for an answer
const COLOURS = 8; // of marks, in page.css
const forms = [...document.querySelectorAll("form[data-model]")];
const answer = document.getElementById("answer");
const note = document.getElementById("answer-note");
const curl = document.getElementById("curl");
const copy = document.getElementById("copy");
let answered = ""; // the request that the shown answer belongs to
let asking = null;

const chosen = () => forms.find((form) => !form.hidden);
const fields = (form) => [...form.querySelectorAll(".field")];
const address = (form) => new URL(`${form.dataset.model}/predict`, new URL(".", location.href)).href;

function element(name, text = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

/** Lets a button copy the text of an element. */
function copies(button, from) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(from.textContent);
      button.textContent = "Copied";
    } catch {
      // Without https there is no clipboard: the text is selected for Ctrl+C.
      getSelection().selectAllChildren(from);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}

// --- The form ---------------------------------------------------------------------------------

function input(field) {
  const other = field.querySelector(".other");
  return other && !other.hidden ? other : field.querySelector("input:checked, select, textarea, input");
}

/** The functions by data-reads that make a value for JSON of the text of a field; NaN is no number. */
const READ = {
  json: (from) => JSON.parse(from.value),
  number: (from) => {
    if (from.validity.badInput) return NaN;
    return from.value === "" ? null : Number(from.value);
  },
  text: (from) => {
    if (from.matches("select")) return from.selectedOptions[0].dataset.kind === "missing" ? null : from.value;
    return from.value === "" && !from.matches(".other") ? null : from.value;
  },
};

/** Returns a field's value for JSON; null where it is missing. */
function value(field) {
  return READ[field.dataset.reads](input(field));
}

/** Returns the body of the request, the same text for fetch and for curl. */
function body(form) {
  const row = Object.fromEntries(fields(form).map((field) => [field.dataset.name, value(field)]));
  return `{"payload": {"instances": [${JSON.stringify(row, null, 2)}]}}`;
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function command(form) {
  const words = [`curl -sS --globoff ${quoted(address(form))}`];
  if ("keyed" in curl.dataset) words.push('-H "X-API-Key: $API_KEY"');
  words.push("-H 'Content-Type: application/json'", `--data-raw ${quoted(body(form))}`);
  return words.join(" \\\n  ");
}

/** Shows the hint of a field, or that its value was never seen in training. */
function hint(field) {
  const shown = field.querySelector(".hint");
  const words = shown.dataset.hint;
  const from = input(field);
  const { low, high } = field.dataset;
  // Days and times are texts that order as they follow each other.
  const read = field.dataset.reads === "number" ? Number : String;
  const sent = read(from.value);
  const outside = from.value !== "" && ((low !== undefined && sent < read(low)) || (high !== undefined && sent > read(high)));
  const unseen = from.matches(".other");
  shown.classList.toggle("outside", outside || unseen);
  shown.textContent = outside ? `outside ${words}` : unseen ? "never seen in training" : words;
}

function complain(field, words) {
  const from = input(field);
  const shown = field.querySelector(".hint");
  for (const one of field.querySelectorAll("input, select, textarea")) one.setAttribute("aria-invalid", "true");
  field.classList.add("wrong");
  shown.textContent = words;
  from.focus();
}

function forgive(field) {
  field.classList.remove("wrong");
  for (const one of field.querySelectorAll("[aria-invalid]")) one.removeAttribute("aria-invalid");
  hint(field);
}

/** Shows an error message that concerns no single field. */
function trouble(form, words) {
  const shown = form.querySelector(".trouble");
  shown.textContent = words;
  shown.hidden = !words;
  if (words) shown.scrollIntoView({ block: "nearest" });
}

function update(form) {
  curl.textContent = command(form);
  const stale = answered && answered !== command(form);
  answer.classList.toggle("stale", Boolean(stale));
  if (answered) note.textContent = stale ? "The form has changed since." : note.dataset.words;
}

// --- The answer -------------------------------------------------------------------------------

const SMALL = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
const LARGE = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

function amount(number) {
  const size = Math.abs(number);
  if (size >= 1e15 || (size > 0 && size < 1e-6)) return String(number);
  return (size < 1000 ? SMALL : LARGE).format(number);
}

function percent(score) {
  const digits = score > 0 && score < 0.001 ? 3 : 1;
  return `${(100 * score).toFixed(digits)} %`;
}

function bars(labels, scores, predicted) {
  const list = element("ul", "", "bars");
  const order = labels.map((label, at) => [label, scores[at]]).filter(([, score]) => score !== undefined);
  for (const [label, score] of order.sort((one, other) => other[1] - one[1])) {
    const row = element("li", "", label === predicted ? "predicted" : "");
    row.append(element("span", String(label), "label"), element("span", percent(score), "share"));
    const bar = element("span", "", "bar");
    bar.setAttribute("aria-hidden", "true");
    bar.append(element("span"));
    bar.firstChild.style.width = `${100 * Math.min(1, Math.max(0, score))}%`;
    row.append(bar);
    list.append(row);
  }
  return list;
}

/** Returns the text with a mark for each piece, whose offsets count characters as Python does. */
function marked(text, pieces, kinds) {
  const shown = element("p", "", "passage");
  const letters = [...text]; // JavaScript's own offsets count an emoji as two
  let end = 0;
  for (const piece of pieces) {
    shown.append(letters.slice(end, piece.start).join(""));
    const mark = element("mark", letters.slice(piece.start, piece.end).join(""), kindOf(piece.label, kinds));
    mark.title = piece.score === undefined ? piece.label : `${piece.label}, ${percent(piece.score)}`;
    mark.append(element("span", piece.label, "tag"));
    shown.append(mark);
    end = piece.end;
  }
  shown.append(letters.slice(end).join(""));
  return shown;
}

function kindOf(label, kinds) {
  return `kind-${Math.max(0, kinds.indexOf(label)) % COLOURS}`;
}

/** Returns how often each kind of piece was found. */
function tallied(pieces, kinds) {
  const list = element("ul", "", "tally");
  for (const kind of kinds) {
    const count = pieces.filter((piece) => piece.label === kind).length;
    if (!count) continue;
    const item = element("li", "", kindOf(kind, kinds));
    item.append(element("span", kind), element("span", String(count), "count"));
    list.append(item);
  }
  return list;
}

/** Returns a part with a heading, whose text scrolls where it is long, also by the keyboard. */
function section(heading, body, button) {
  const made = element("section", "", "part");
  const head = element("div", "", "heading");
  head.append(element("h3", heading));
  if (button) head.append(button);
  body.tabIndex = 0;
  body.setAttribute("role", "region");
  body.setAttribute("aria-label", heading);
  made.append(head, body);
  return made;
}

/** The parts below the prediction, by the kind that the model's task names. */
const PARTS = {
  bars: (scores, payload) => bars(payload.labels, scores, payload.predictions[0]),
  number: (value, _, key) => {
    const line = element("p", "", "further");
    const words = value === null ? "no answer" : amount(value);
    line.append(element("span", key, "soft"), element("output", words));
    return line;
  },
  text: (value, _, key) => {
    const line = element("p", "", "further");
    line.append(element("span", key, "soft"), element("output", value || "none"));
    return line;
  },
  marks: (pieces, payload, _, text) => {
    const both = document.createDocumentFragment();
    both.append(tallied(pieces, payload.labels), section("marked", marked(text, pieces, payload.labels)));
    return both;
  },
  passage: (value, _, key) => {
    const body = element("p", value, "passage");
    const button = element("button", "Copy", "quiet");
    button.type = "button";
    copies(button, body);
    return section(key, body, button);
  },
};

/** Returns the prediction as words. */
function headed(predicted, number) {
  if (predicted === null) return "no answer";
  if (Array.isArray(predicted)) return predicted.length ? `${predicted.length} found` : "none found";
  return number ? amount(predicted) : String(predicted);
}

/** Shows an answer to a request; `text` is what its first area had, which pieces are in. */
function show(form, payload, request, text, took) {
  const predicted = payload.predictions[0];
  const number = typeof predicted === "number" && !payload.labels?.length;
  const headline = element("p", "", "headline");
  headline.append(element("span", form.dataset.target, "soft"), element("output", headed(predicted, number)));
  if (number) headline.lastChild.title = String(predicted);
  const parts = [headline];
  if (number && form.dataset.unit) parts.push(element("p", form.dataset.unit, "soft unit"));
  for (const [kind, key] of JSON.parse(form.dataset.shown)) {
    const found = payload[key]?.[0];
    if (found !== undefined) parts.push(PARTS[kind](found, payload, key, text));
  }
  answer.replaceChildren(...parts);
  const version = payload.versions ? payload.versions[0] : payload.version;
  note.dataset.words = `${payload.model}, version ${version} · ${Math.max(1, Math.round(took))} ms`;
  answered = request;
  update(form);
  answer.parentElement.scrollIntoView({ block: "nearest" });
}

// --- The request ------------------------------------------------------------------------------

const REASONS = {
  401: "The service asks for a key or token: reload the page and enter the key as the password.",
  403: "Your key or token is not allowed to ask this model.",
};

/** Returns the field whose name an error message begins with, and the rest of the message. */
function blamed(form, words) {
  const where = words.match(/^instances\[0\]\.(.*)$/s);
  if (!where) return null;
  const named = fields(form).filter((field) => where[1].startsWith(`${field.dataset.name}: `));
  const longest = named.sort((one, other) => other.dataset.name.length - one.dataset.name.length)[0];
  return longest && [longest, where[1].slice(longest.dataset.name.length + 2)];
}

function refuse(form, words) {
  const found = blamed(form, words);
  if (found) complain(found[0], found[1][0].toUpperCase() + found[1].slice(1));
  else trouble(form, words);
}

/** Returns the first field whose value cannot be sent, with an error message. */
function unsendable(form) {
  for (const field of fields(form)) {
    const from = input(field);
    const found = value(field);
    const empty = found === null && from.matches("input:not([type=radio]), textarea");
    if (empty && !("nullable" in field.dataset)) {
      return [field, field.dataset.reads === "number" ? "Enter a number." : "Enter a value."];
    }
    if (typeof found === "number" && !Number.isFinite(found)) return [field, "This is not a number."];
  }
  return null;
}

async function ask(form) {
  const started = performance.now();
  const request = command(form);
  const text = form.querySelector(".field textarea")?.value ?? "";
  const response = await fetch(address(form), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: body(form),
    signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
  });
  const found = await response.json().catch(() => ({}));
  if (response.ok && found.payload) {
    show(form, found.payload, request, text, performance.now() - started);
    return;
  }
  const message = found.payload?.error ?? found.error ?? `The service answered with status ${response.status}.`;
  refuse(form, REASONS[response.status] ? `${REASONS[response.status]} (${message})` : message);
}

async function submit(event) {
  event.preventDefault();
  const form = event.currentTarget;
  if (asking) return;
  fields(form).forEach(forgive);
  trouble(form, "");
  const wrong = unsendable(form);
  if (wrong) {
    complain(...wrong);
    return;
  }
  asking = form;
  const button = form.querySelector("[type=submit]");
  button.setAttribute("aria-busy", "true");
  try {
    await ask(form);
  } catch (error) {
    const late = error.name === "TimeoutError";
    trouble(form, late ? "The service took more than a minute: try again." : "The service does not answer: is it still running?");
  } finally {
    button.removeAttribute("aria-busy");
    asking = null;
  }
}

// --- Wiring -----------------------------------------------------------------------------------

function edited(event) {
  const form = event.currentTarget;
  const field = event.target.closest(".field");
  if (!field) return;
  const other = field.querySelector(".other");
  if (other && event.target.matches("select")) {
    other.hidden = event.target.selectedOptions[0].dataset.kind !== "other";
    if (!other.hidden) other.focus();
  }
  forgive(field);
  update(form);
}

function reset(event) {
  const form = event.currentTarget;
  setTimeout(() => {
    for (const other of form.querySelectorAll(".other")) other.hidden = true;
    fields(form).forEach(forgive);
    trouble(form, "");
    update(form);
  });
}

/** Copies the values of one model's form to the fields of the same name of another's. */
function carry(from, to) {
  for (const field of fields(to)) {
    const same = fields(from).find(
      (one) => one.dataset.name === field.dataset.name && one.dataset.reads === field.dataset.reads,
    );
    if (!same) continue;
    const theirs = [...same.querySelectorAll("input, select, textarea")];
    const ours = [...field.querySelectorAll("input, select, textarea")];
    if (theirs.length !== ours.length || theirs[0].options?.length !== ours[0].options?.length) continue;
    ours.forEach((one, at) => {
      if (one.type === "radio") one.checked = theirs[at].checked;
      else if (one.matches("select")) one.selectedIndex = theirs[at].selectedIndex;
      else one.value = theirs[at].value;
      if (one.matches(".other")) one.hidden = theirs[at].hidden;
    });
    forgive(field);
  }
}

function choose(form) {
  const before = chosen();
  if (form === before) return;
  carry(before, form);
  for (const one of forms) one.hidden = one !== form;
  for (const facts of document.querySelectorAll("[data-of]")) facts.hidden = facts.dataset.of !== form.id;
  history.replaceState(null, "", `#${form.dataset.model}`);
  update(form);
}

function start() {
  for (const form of forms) {
    form.addEventListener("submit", submit);
    form.addEventListener("input", edited);
    form.addEventListener("reset", reset);
  }
  for (const radio of document.querySelectorAll(".chooser input")) {
    radio.addEventListener("change", () => choose(document.getElementById(radio.value)));
  }
  const asked = forms.find((form) => `#${form.dataset.model}` === location.hash);
  if (asked && asked !== forms[0]) {
    document.querySelector(`.chooser [value=${asked.id}]`).checked = true;
    choose(asked);
  }
  copies(copy, curl);
  update(chosen());
}

if (forms.length) start();
