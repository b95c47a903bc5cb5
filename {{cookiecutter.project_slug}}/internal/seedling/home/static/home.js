// Lets one follow the runs of a chart, by pointer and by keys. What is said of a run is copied from
// its row of the table, as nodes: no text becomes HTML.
"use strict";

function chart(card) {
  const plot = card.querySelector(".plot");
  const readout = card.querySelector(".readout");
  const buttons = [...card.querySelectorAll("[data-series]")];
  const marks = [...plot.querySelectorAll("[data-model]")];
  const dots = [...plot.querySelectorAll("circle")];
  let chosen = null;
  let only = null; // the model that is looked at alone

  const seen = () => dots.filter((dot) => only === null || dot.dataset.model === only);

  function say(name, text, kind = "") {
    const made = document.createElement(name);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function choose(dot) {
    if (dot === chosen) return;
    if (chosen) chosen.classList.remove("chosen");
    chosen = dot;
    dot.classList.add("chosen");
    const cells = [...document.getElementById(`run-${dot.dataset.run}`).cells];
    const [run, model, holdout, outcome, begun, validated, data, pages] = cells;
    const first = say("p", "");
    const words = outcome.firstChild ? outcome.firstChild.textContent.trim() : "";
    first.append(say("b", holdout.textContent), ` ${model.textContent}, ${words}`);
    const more = say("p", "", "soft");
    more.append(say("span", `run ${run.textContent}`), say("span", begun.textContent));
    if (validated.textContent !== "-") more.append(say("span", `validated ${validated.textContent}`));
    if (data.textContent !== "-") more.append(say("span", `data ${data.textContent}`));
    const links = say("span", "");
    for (const link of pages.querySelectorAll("a")) links.append(link.cloneNode(true), " ");
    more.append(links);
    readout.replaceChildren(first, more);
  }

  function nearest(event) {
    let best = null;
    let least = Infinity;
    for (const dot of seen()) {
      const box = dot.getBoundingClientRect();
      const away = Math.hypot(box.x + box.width / 2 - event.clientX, (box.y + box.height / 2 - event.clientY) / 3);
      if (away < least) [best, least] = [dot, away];
    }
    return best;
  }

  function step(key) {
    const all = seen();
    const at = all.indexOf(chosen);
    if (key === "Home") return all[0];
    if (key === "End" || at < 0) return all[all.length - 1];
    return all[Math.min(all.length - 1, Math.max(0, at + (key === "ArrowRight" ? 1 : -1)))];
  }

  plot.addEventListener("pointermove", (event) => choose(nearest(event)));
  plot.addEventListener("pointerdown", (event) => choose(nearest(event)));
  plot.addEventListener("keydown", (event) => {
    if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
      event.preventDefault();
      choose(step(event.key));
    } else if (event.key === "Enter") {
      const link = readout.querySelector("a");
      if (link) link.click();
    }
  });
  for (const button of buttons) {
    button.addEventListener("click", () => {
      only = only === button.dataset.series ? null : button.dataset.series;
      for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.series === only));
      for (const mark of marks) mark.classList.toggle("faded", only !== null && mark.dataset.model !== only);
    });
  }
}

// The service shows pages only; what else a run has left is a link where this file is opened itself.
if (location.protocol === "file:") {
  for (const words of document.querySelectorAll("[data-file]")) {
    const link = document.createElement("a");
    [link.textContent, link.href] = [words.textContent, words.dataset.file];
    words.replaceWith(link);
  }
}
document.querySelectorAll("[data-chart]").forEach(chart);
