"use strict";

/* From groups of figures to charts, each with a table that says the same. Knows no form and no server. */

const CAUSES = ["complete", "error", "timeout", "cancelled", "client_gone", "stalled", "shutdown"];

/** What each chart shows: series are named as in WORDS, colours as in the style sheet. */
const CHARTS = {
  use: { series: [{ name: "turns", colour: "plain", value: (figures) => figures.turns }] },
  waiting: {
    isLine: true,
    series: [
      { name: "typical", colour: "typical", value: (figures) => figures.first_answer_seconds.p50 },
      { name: "slow", colour: "slow", value: (figures) => figures.first_answer_seconds.p95 },
    ],
  },
  speed: {
    isLine: true,
    series: [{ name: "speed", colour: "plain", value: (figures) => figures.characters_per_second.p50 }],
  },
  ends: {
    isStacked: true,
    series: CAUSES.map((cause) => ({ name: cause, colour: cause, value: (figures) => figures.ends[cause] })),
  },
};

// More bars than this are a picture of nothing.
const MOST_BARS = 20;
const ROW_REM = 2;
const FRAME_REM = 7;

/** Puts charts into one place, in place of those that were there. */
class ChartBoard {
  constructor(place) {
    this.place = place;
    this.charts = [];
  }

  /** `rows`: [{ label, figures }]. `lies`: bars lie, for names; they stand, for days. */
  show(rows, { lies, heading, words, lang }) {
    this.clear();
    for (const [kind, chart] of Object.entries(CHARTS)) {
      const figure = new ChartFigure({ ...chart, ...words.charts[kind] }, rows, { lies, heading, words, lang });
      this.place.append(figure.element);
      this.charts.push(figure.draw());
    }
  }

  clear() {
    for (const chart of this.charts) chart.destroy();
    this.charts = [];
    this.place.replaceChildren();
  }
}

/** One chart as a figure: title, canvas, table. */
class ChartFigure {
  constructor(chart, rows, options) {
    Object.assign(this, options);
    this.chart = chart;
    this.rows = rows;
    this.isLine = Boolean(chart.isLine) && !this.lies;
    this.drawn = this.lies ? rows.slice(0, MOST_BARS) : rows;
    // A cause that never happened is left out, so that the legend tells what did.
    this.series = chart.series.filter(
      (series) => !chart.isStacked || series.name === "complete" || rows.some(({ figures }) => series.value(figures) > 0),
    );
    this.canvas = element("canvas", { role: "img", "aria-label": this.description() });
    this.element = element("figure", {}, this.caption(), this.frame(), this.details());
  }

  draw() {
    return new Chart(this.canvas, this.configuration());
  }

  description() {
    return this.words.described(this.chart.title, this.chart.unit, this.rows.length);
  }

  caption() {
    const cut = this.drawn.length < this.rows.length ? ` (${this.words.most(this.drawn.length, this.rows.length)})` : "";
    return element(
      "figcaption",
      {},
      element("h3", {}, this.chart.title),
      element("p", { class: "small" }, this.chart.unit + cut),
    );
  }

  frame() {
    const frame = element("div", { class: "canvas" }, this.canvas);
    if (this.lies) frame.style.height = `${FRAME_REM + ROW_REM * this.drawn.length}rem`;
    return frame;
  }

  details() {
    const title = this.words.table(this.chart.title);
    const head = [this.heading, ...this.series.map((series) => this.words.series[series.name])];
    const body = this.rows.map(({ label, figures }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, label),
        ...this.series.map((series) => element("td", {}, numberText(series.value(figures), this.lang))),
      ),
    );
    const table = element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...head.map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, ...body),
    );
    // A region that scrolls must be reachable by keyboard.
    const region = element("div", { class: "table", role: "region", tabindex: "0", "aria-label": title }, table);
    return element("details", {}, element("summary", {}, title), region);
  }

  configuration() {
    return {
      type: this.isLine ? "line" : "bar",
      data: { labels: this.drawn.map(({ label }) => label), datasets: this.series.map((series) => this.dataset(series)) },
      options: {
        animation: false,
        maintainAspectRatio: false,
        locale: this.lang,
        indexAxis: this.lies ? "y" : "x",
        interaction: { mode: "index", axis: this.lies ? "y" : "x", intersect: false },
        scales: this.scales(),
        plugins: {
          legend: { display: this.series.length > 1, position: "bottom", labels: { color: colour("ink"), boxWidth: 14 } },
        },
      },
    };
  }

  dataset(series) {
    return {
      label: this.words.series[series.name],
      data: this.drawn.map(({ figures }) => series.value(figures)),
      backgroundColor: colour(series.colour),
      borderColor: colour(series.colour),
      borderWidth: this.isLine ? 2 : 0,
      pointRadius: 3,
      maxBarThickness: 40,
    };
  }

  scales() {
    const stacked = Boolean(this.chart.isStacked);
    const names = { stacked, grid: { display: false }, ticks: { color: colour("faint"), maxRotation: 0, autoSkipPadding: 12 } };
    const values = {
      stacked,
      beginAtZero: true,
      grid: { color: colour("line") },
      ticks: { color: colour("faint"), precision: this.chart.isLine ? undefined : 0, maxTicksLimit: 6 },
    };
    if (this.lies) Object.assign(names.ticks, { autoSkip: false, callback: shortLabel });
    return this.lies ? { x: values, y: names } : { x: names, y: values };
  }
}

/** A name of a hundred characters would leave no room for its bar; the table has all of it. */
function shortLabel(value) {
  const label = this.getLabelForValue(value);
  return label.length > 18 ? `${label.slice(0, 17)}…` : label;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function numberText(value, lang) {
  return value === null ? "–" : value.toLocaleString(lang, { maximumSignificantDigits: Number.isInteger(value) ? 21 : 3 });
}

/** An element; what is within it is text or elements, never markup. */
function element(tag, attributes, ...within) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...within);
  return made;
}
