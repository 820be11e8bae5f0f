"use strict";

/* The page: a period, two reports (by day, and by what is chosen), and their charts. */

const at = (id) => document.getElementById(id);
const words = () => WORDS[at("lang").value];

const KEPT_TOKEN = "streamchat.analytics.token";
const DAY_MILLISECONDS = 86_400_000;

const boards = { day: new ChartBoard(at("day")), group: new ChartBoard(at("group")) };
let shown = null; // the two reports that are on the page
let asking = null; // the AbortController of the question under way

async function ask() {
  asking?.abort();
  const mine = (asking = new AbortController());
  const token = at("token").value;
  say(words().loading);
  try {
    const reports = await Promise.all([report("day", mine.signal), report(at("by").value, mine.signal)]);
    sessionStorage.setItem(KEPT_TOKEN, token);
    shown = { day: reports[0], group: reports[1] };
    show();
  } catch (problem) {
    if (mine.signal.aborted) return;
    shown = null;
    show();
    say(words().failed(problem.message));
  }
}

async function report(by, signal) {
  const query = new URLSearchParams({ from: at("from").value, to: at("to").value, by, lang: at("lang").value });
  const headers = { Authorization: `Bearer ${at("token").value}` };
  const response = await fetch(`api/analytics?${query}`, { headers, signal });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? `HTTP ${response.status}`);
  return body;
}

function show() {
  const { turns } = shown?.day.totals ?? { turns: 0 };
  for (const board of Object.values(boards)) board.clear();
  at("report").hidden = turns === 0;
  if (shown === null) return;
  if (turns === 0) {
    say(shown.day.kept_days === 0 ? words().off : words().none);
    return;
  }
  say(words().shown[shown.day.scope](shown.day.kept_days));
  showTotals(shown.day.totals);
  showBoards();
}

function showBoards() {
  const lang = at("lang").value;
  const { by, groups, is_cut: isCut } = shown.group;
  const rows = groups.map((figures) => ({ label: figures.group, figures }));
  at("group-title").textContent = words().byGroup[by];
  at("cut").hidden = !isCut;
  boards.day.show(dayRows(shown.day, lang), { lies: false, heading: words().day, words: words(), lang });
  boards.group.show(rows, { lies: true, heading: words()[by], words: words(), lang });
}

function showTotals({ turns, callers, ends, first_answer_seconds: wait, characters_per_second: speed }) {
  const lang = at("lang").value;
  const named = (text, value) => (value === null ? "–" : text(numberText(value, lang)));
  const values = {
    turns: numberText(turns, lang),
    callers: numberText(callers, lang),
    answered: (ends.complete / turns).toLocaleString(lang, { style: "percent", maximumFractionDigits: 1 }),
    typicalWait: named(words().seconds, wait.p50),
    slowWait: named(words().seconds, wait.p95),
    speed: named(words().speedOf, speed.p50),
  };
  const tiles = Object.entries(values).map(([name, value]) =>
    element("div", {}, element("dt", {}, words().totals[name]), element("dd", {}, value)),
  );
  at("totals").replaceChildren(...tiles);
}

/** A row for every day of the period: a day without questions is a gap that must be seen. */
function dayRows({ from, to, groups }, lang) {
  const known = new Map(groups.map((figures) => [figures.group, figures]));
  const name = new Intl.DateTimeFormat(lang, { month: "short", day: "numeric", timeZone: "UTC" });
  const rows = [];
  for (let time = Date.parse(from); time < Date.parse(to); time += DAY_MILLISECONDS) {
    const figures = known.get(dayText(time)) ?? NO_TURNS;
    rows.push({ label: name.format(time), figures });
  }
  return rows;
}

const NO_TURNS = {
  turns: 0,
  ends: Object.fromEntries(CAUSES.map((cause) => [cause, 0])),
  first_answer_seconds: { p50: null, p95: null },
  characters_per_second: { p50: null, p95: null },
};

function dayText(time) {
  return new Date(time).toISOString().slice(0, 10);
}

function choosePeriod(days) {
  const now = Date.now();
  at("to").value = dayText(now);
  at("from").value = dayText(now - (days - 1) * DAY_MILLISECONDS);
}

function say(sentence) {
  at("state").textContent = sentence;
}

function showWords() {
  document.documentElement.lang = at("lang").value;
  document.title = words().title;
  for (const named of document.querySelectorAll("[data-word]")) named.textContent = words()[named.dataset.word];
  say("");
  if (shown !== null) show();
}

function start() {
  at("lang").value = navigator.language.startsWith("zh") ? "zh" : "en";
  at("token").value = sessionStorage.getItem(KEPT_TOKEN) ?? "";
  choosePeriod(30);
  showWords();
  at("lang").addEventListener("change", showWords);
  // The charts are painted in the colours of the moment.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shown !== null && show());
  at("question").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  for (const button of document.querySelectorAll("[data-days]")) {
    button.addEventListener("click", () => {
      choosePeriod(Number(button.dataset.days));
      if (at("question").reportValidity()) ask();
    });
  }
  if (at("token").value) ask();
}

start();
