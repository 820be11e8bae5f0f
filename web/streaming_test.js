"use strict";

/* The page: one form, one question at a time. Text from the server is only ever set as text. */

const at = (id) => document.getElementById(id);
const words = () => WORDS[at("lang").value];

// Frames that are neither progress nor answer are shown as they came, without these fields.
const MORE_THAN_TEXT = new Set(["queued", "tool_call", "tool_result", "media", "input_required"]);
const UNSHOWN = new Set(["success", "data", "status", "content"]);

let stream = null; // the running question's ChatStream
let asked = ""; // the last question's text, for retry

/** What is known of the running question's times and counts, and how it is shown. */
class Meter {
  constructor() {
    this.startedAt = performance.now();
    this.remaining = null;
    this.sent = null;
    this.chunks = 0;
    this.characters = 0;
    this.timer = setInterval(() => this.show(), 200);
  }

  expect(remainingSeconds) {
    this.remaining = remainingSeconds ?? null;
    this.toldAt = performance.now();
  }

  count(frame) {
    this.chunks += 1;
    this.characters += [...frame.data].length;
    this.sent = frame.streaming_progress ?? frame.progress ?? null;
    this.expect(null);
  }

  show() {
    const now = performance.now();
    let line = words().elapsed(((now - this.startedAt) / 1000).toFixed(1));
    if (this.remaining !== null) {
      line += words().remaining(Math.ceil(Math.max(0, this.remaining - (now - this.toldAt) / 1000)));
    }
    if (this.sent !== null) line += words().sent(Math.round(this.sent));
    if (this.chunks > 0) line += words().counted(this.chunks, this.characters);
    at("times").textContent = line;
  }

  stop() {
    clearInterval(this.timer);
    this.expect(null);
    this.show();
  }
}

function say(sentence) {
  at("stage").textContent = sentence;
}

function note(sentence) {
  const line = document.createElement("li");
  line.textContent = sentence;
  at("notes").append(line);
}

function showFrame(frame, meter) {
  if (frame.status === "streaming") {
    at("answer").append(frame.data);
    meter.count(frame);
  } else if (MORE_THAN_TEXT.has(frame.status)) {
    const shown = Object.entries(frame).filter(([name]) => !UNSHOWN.has(name));
    note(`${frame.status} ${JSON.stringify(Object.fromEntries(shown))}`);
  } else if (frame.is_complete) {
    showEnd(frame);
  } else {
    showProgress(frame, meter);
  }
}

function showProgress(frame, meter) {
  if (frame.message) say(frame.message);
  if (typeof frame.progress === "number") at("progress").value = frame.progress;
  meter.expect(frame.remaining_time);
}

function showEnd(frame) {
  if (frame.status === "complete") {
    say(words().complete);
    at("progress").value = 100;
    return;
  }
  const worker = frame.worker ? ` — ${words().stopped(frame.status, frame.worker)}` : "";
  say(`${frame.error ?? frame.status} (${frame.code ?? frame.status})${worker}`);
}

function settings() {
  const body = {
    username: at("profile").disabled ? at("profile-name").value : at("profile").value,
    message: asked,
    lang: at("lang").value,
    pace: at("pace").value,
  };
  return { address: address(), token: at("token").value, door: at("door").value, body };
}

function address() {
  return at("server").value.replace(/\/+$/, "");
}

async function ask() {
  if (stream !== null) return;
  at("answer").replaceChildren();
  at("notes").replaceChildren();
  at("progress").value = 0;
  say(words().connecting);
  stream = new ChatStream({ ...settings(), note: (failure) => say(words().again(failure)) });
  const meter = new Meter();
  showRunning(true);
  try {
    for await (const frame of stream.frames()) showFrame(frame, meter);
  } catch (problem) {
    say(words().gaveUp(problem.message));
  } finally {
    stream = null;
    meter.stop();
    showRunning(false);
  }
}

/** Stop on the server. The terminal frame tells the rest; without it, what the server answered stays. */
async function stop() {
  const stopping = stream;
  if (stopping === null) return;
  at("answer").focus({ preventScroll: true });
  at("stop").disabled = true;
  say(words().stopping);
  try {
    const answer = await stopping.cancel();
    const told = answer === null ? words().notStarted : words().stopped(answer.state, answer.worker ?? "?");
    // Only what was really stopped has an end to wait for.
    if (!["cancelled", "cancelling"].includes(answer?.state)) stopping.leave();
    if (stream === stopping) say(told);
    else note(told);
  } catch (problem) {
    stopping.leave();
    say(words().stopFailed(problem.message));
  }
}

/** Which buttons can be pressed; the focus never stays on one that cannot. */
function showRunning(running) {
  const focused = document.activeElement;
  at("send").disabled = running;
  at("retry").disabled = running;
  at("stop").disabled = !running;
  if (running && (focused === at("send") || focused === at("retry"))) at("stop").focus();
  if (!running && focused === at("stop")) at("answer").focus({ preventScroll: true });
}

/** Fill the list of profiles; without it a name can be typed. */
async function loadProfiles() {
  if (!at("server").checkValidity() || !at("token").checkValidity()) return;
  let profiles = [];
  let reason = "";
  try {
    const headers = { Authorization: `Bearer ${at("token").value}` };
    const response = await fetch(`${address()}/api/profiles`, { headers });
    if (response.ok) profiles = (await response.json()).profiles;
    else reason = `HTTP ${response.status}`;
  } catch (problem) {
    reason = problem.message;
  }
  showProfiles(profiles);
  at("profiles-note").textContent = reason && words().noProfiles(reason);
}

function showProfiles(profiles) {
  const wanted = at("profile-name").value;
  at("profile").replaceChildren(
    ...profiles.map(({ username, display_name: name }) => new Option(name || username, username)),
  );
  if (profiles.some(({ username }) => username === wanted)) at("profile").value = wanted;
  const listed = profiles.length > 0;
  useField(at("profile"), listed);
  useField(at("profile-name"), !listed);
}

function useField(field, used) {
  field.disabled = !used;
  field.closest("label").hidden = !used;
}

function showWords() {
  document.documentElement.lang = at("lang").value;
  document.title = words().title;
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = words()[element.dataset.word];
  }
}

function start() {
  at("server").value = location.protocol === "file:" ? "http://127.0.0.1:5001" : new URL(".", location.href).href;
  at("lang").value = navigator.language.startsWith("zh") ? "zh" : "en";
  showWords();
  at("lang").addEventListener("change", showWords);
  at("server").addEventListener("change", loadProfiles);
  at("token").addEventListener("change", loadProfiles);
  at("stop").addEventListener("click", stop);
  at("retry").addEventListener("click", () => {
    if (at("question").reportValidity()) ask();
  });
  at("question").addEventListener("submit", (event) => {
    event.preventDefault();
    asked = at("message").value;
    ask();
  });
  at("message").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("question").requestSubmit();
  });
}

start();
