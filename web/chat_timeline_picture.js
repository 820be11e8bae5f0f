"use strict";

/* A timeline as a picture: a bar of stages, a tick for every frame, brackets over the long silences. */

const PICTURE = { width: 400, height: 104, left: 8, right: 8, bar: 30, barHeight: 26, ticks: 62, axis: 88 };
// More ticks than this cannot be told apart.
const MOST_TICKS = 400;

/** @param {Timeline} timeline */
function timelinePicture(timeline) {
  const end = Math.max(timeline.figures.total, 0.1);
  const wide = PICTURE.width - PICTURE.left - PICTURE.right;
  const x = (seconds) => (PICTURE.left + (seconds / end) * wide).toFixed(1);
  const size = `0 0 ${PICTURE.width} ${PICTURE.height}`;
  const made = drawn("svg", { class: "timeline", viewBox: size, role: "img", "aria-label": inWords(timeline) });
  made.append(...timeline.stages.flatMap((stage) => stageBar(stage, x)));
  made.append(...timeline.silences.map((silence) => silenceMark(silence, x)));
  made.append(...someOf(timeline.marks).map((mark) => tick(mark, x)));
  if (timeline.firstAnswer !== null) made.append(flag(timeline.firstAnswer, x));
  made.append(...axis(end, x));
  return made;
}

/** The same for who cannot see it. */
function inWords(timeline) {
  const said = timeline.stages.map(({ name, from, to }) => `${words().stages[name]} ${(to - from).toFixed(1)} s`);
  return `${words().timeline}: ${said.join(", ")}`;
}

function stageBar({ name, from, to }, x) {
  const width = Math.max(1.5, x(to) - x(from));
  const place = { y: PICTURE.bar, height: PICTURE.barHeight, x: x(from) };
  const title = drawn("title", {}, `${words().stages[name]}: ${(to - from).toFixed(2)} s`);
  const bar = drawn("rect", { class: `stage ${name}`, rx: 3, width, ...place }, title);
  if (width < 70) return [bar];
  const middle = {
    x: Number(x(from)) + width / 2,
    y: PICTURE.bar + PICTURE.barHeight / 2 + 4,
    "text-anchor": "middle",
  };
  return [bar, drawn("text", { class: "on-stage", ...middle }, words().stages[name])];
}

function silenceMark({ from, to, seconds }, x) {
  const top = PICTURE.bar - 6;
  const path = drawn("path", { class: "silence", d: `M${x(from)} ${top}v-5H${x(to)}v5` });
  const middle = { x: (Number(x(from)) + Number(x(to))) / 2, y: top - 9, "text-anchor": "middle" };
  return drawn("g", {}, path, drawn("text", middle, `${seconds.toFixed(1)} s`));
}

function tick({ at: seconds, status }, x) {
  const kind = status === "streaming" ? "chunk" : "other";
  return drawn("line", {
    class: `tick ${kind}`,
    x1: x(seconds),
    x2: x(seconds),
    y1: PICTURE.ticks,
    y2: PICTURE.ticks + 10,
  });
}

function flag(seconds, x) {
  const title = drawn("title", {}, `${words().figures.firstAnswer}: ${seconds.toFixed(2)} s`);
  return drawn("path", { class: "flag", d: `M${x(seconds)} ${PICTURE.ticks + 12}l-4 7h8z` }, title);
}

function axis(end, x) {
  const step = niceStep(end / 4);
  const places = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step);
  return places.map((seconds, index) => {
    const anchor = index === 0 ? "start" : Number(x(seconds)) > PICTURE.width - 24 ? "end" : "middle";
    const text = `${Number(seconds.toFixed(2))} s`;
    return drawn("text", { class: "axis", x: x(seconds), y: PICTURE.axis + 12, "text-anchor": anchor }, text);
  });
}

/** The smallest of 1, 2 and 5 times a power of ten that is not below the wish. */
function niceStep(wish) {
  const power = 10 ** Math.floor(Math.log10(wish));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= wish * 0.999) ?? 10 * power;
}

function someOf(marks) {
  const every = Math.ceil(marks.length / MOST_TICKS);
  return marks.filter((_, index) => index % every === 0);
}
