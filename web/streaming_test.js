"use strict";

/* The page: what is asked, in which conversation, and which parts are told of it. */

/** @type {Turn[]} */
let turns = []; // of the conversation that is on the page, the past ones left out
let conversationId = "";

const announcer = new Announcer(at("announcer"));
const follower = new Follower(at("scroll"), at("latest"));
const connection = new Connection({ onConnected: enter, lang: () => at("lang").value });
const drawer = new Drawer(at("drawer-body"));
const sidePanel = new Panel({
  panel: at("side"),
  opener: at("open-side"),
  closer: at("close-side"),
  others: [at("middle"), at("drawer")],
  narrow: "(max-width: 60rem)",
});
new Panel({
  panel: at("drawer"),
  opener: at("open-drawer"),
  closer: at("close-drawer"),
  others: [at("middle"), at("side")],
  narrow: "(max-width: 75rem)",
  shown: (open) => open && showDrawer(),
});
const past = new PastConversations({
  list: at("past"),
  note: at("past-note"),
  open: openConversation,
  forgotten: forgetConversation,
});
const comparison = new Comparison({
  place: at("panes"),
  announcer,
  stream: (door, message) => newStream(message, { door }),
});
const selfTest = new SelfTest({ place: at("test-result"), announcer, stream: testStream });

const attachments = new Attachments({
  button: at("attach"),
  input: at("chosen-files"),
  list: at("files"),
  note: at("files-note"),
  field: at("question"),
});

const running = () => turns.find((turn) => turn.isRunning);

/** The request as the form says it. */
function bodyFor(message) {
  const chunking = at("chunking").value;
  const size = at("size").value;
  return {
    username: connection.username,
    message,
    lang: at("lang").value,
    pace: at("pace").value,
    ...(chunking === "" ? {} : { chunking: { strategy: chunking, ...(size === "" ? {} : { size: Number(size) }) } }),
  };
}

function newStream(message, { door = at("door").value, more = {} } = {}) {
  return new ChatStream({ api: connection.api, door, body: { ...bodyFor(message), ...more } });
}

/** A question at the door and pace at which the server's own times tell most. */
function testStream() {
  const body = {
    username: connection.username,
    message: words().testQuestion,
    lang: at("lang").value,
    pace: "natural",
  };
  return new ChatStream({ api: connection.api, door: DOORS.smart, body });
}

/** Ask in the conversation on the page. */
async function ask(message, files = []) {
  if (running() !== undefined || !(await connection.isReady())) return;
  const conversation = conversationId === "" ? {} : { conversation_id: conversationId };
  const attached = files.length === 0 ? {} : { attachments: files };
  begin(newStream(message, { more: { ...conversation, ...attached } }), message);
}

/** Put a turn on the page and read it. */
async function begin(stream, message) {
  const name = connection.profile?.display_name || stream.body.username;
  const retry = () => ask(message, stream.body.attachments);
  const turn = new Turn({
    stream,
    question: message,
    name,
    announcer,
    retry,
    onChange: () => follow(turn),
    onGrown: () => follower.grown(),
    onAsked: (question) => follower.showFrom(question),
  });
  turns.push(turn);
  at("turns").append(turn.element);
  at("welcome").hidden = true;
  at("connect").hidden = true;
  follower.follow();
  await turn.run();
}

/** Something has happened in a turn. */
function follow(turn) {
  if (!turns.includes(turn)) return; // of a conversation that was left
  conversationId ||= turn.stream.conversationId;
  showRunning(turn.isRunning);
  if (!at("drawer").hidden) showDrawer();
  follower.grown();
  keepStream(turn.isRunning && turn.stream.streamId !== "" ? leftBehind(turn) : null);
  if (!turn.isRunning) showHistory(turn.stream.api);
}

/** What is needed to come back to it. */
function leftBehind({ stream, question }) {
  const { streamId, conversationId: conversation, door, body, api } = stream;
  return { streamId, conversation, question, door, username: body.username, address: api.address };
}

async function showHistory(api) {
  await past.load(api);
  past.choose(conversationId);
}

function showDrawer() {
  const turn = turns.at(-1) ?? null;
  at("no-turn").hidden = turn !== null;
  at("drawer-body").hidden = turn === null;
  drawer.follow(turn);
}

/** Which of send and stop there is; the focus is never lost with one. */
function showRunning(isRunning) {
  const focused = document.activeElement;
  at("send").hidden = isRunning;
  at("stop").hidden = !isRunning;
  if (isRunning && focused === at("send")) at("stop").focus();
  if (!isRunning && focused === at("stop")) at("message").focus();
}

/** The server is known: its profiles, its conversations, what was left behind. */
function enter() {
  showSuggestions();
  showHistory(connection.api);
  at("welcome").hidden = turns.length > 0 || conversationId !== "";
  const { streamId, address } = keptStream();
  at("unfinished").hidden = streamId === undefined || address !== connection.api.address;
}

function showSuggestions() {
  const { suggestions = [], settings = {} } = connection.profile ?? {};
  const button = (text) =>
    element("button", { type: "button", class: "suggestion", dir: "auto", click: () => ask(text) }, text);
  at("suggestions").replaceChildren(...suggestions.map((text) => element("li", {}, button(text))));
  return settings;
}

/** A profile brings its own door, as its author thought best. */
function chooseProfile() {
  const { door } = showSuggestions();
  if (door in DOORS) at("door").value = DOORS[door];
  newConversation();
  choose();
}

function newConversation() {
  for (const turn of turns) if (turn.isRunning) turn.stream.leave();
  turns = [];
  conversationId = "";
  keepStream(null);
  at("turns").replaceChildren();
  at("welcome").hidden = !connection.isConnected;
  at("unfinished").hidden = true;
  showRunning(false);
  showDrawer();
  past.choose("");
}

async function openConversation(id) {
  try {
    const exchanges = await connection.api.conversation(id);
    newConversation();
    conversationId = id;
    at("welcome").hidden = true;
    at("turns").replaceChildren(...exchanges.map(pastTurn));
    const profile = exchanges.at(-1).profile;
    if (connection.profiles.some(({ username }) => username === profile)) at("profile").value = profile;
    past.choose(id);
    sidePanel.makeRoom();
    follower.follow();
  } catch (problem) {
    at("past-note").textContent = problem.message;
  }
}

function forgetConversation(id) {
  if (id === conversationId) newConversation();
}

/** Go on with the stream that was running when the page was left: from its first frame. */
function comeBack() {
  const { streamId, conversation, question, door, username } = keptStream();
  at("unfinished").hidden = true;
  const body = { ...bodyFor(question), username, ...(conversation ? { conversation_id: conversation } : {}) };
  begin(new ChatStream({ api: connection.api, door, body, streamId }), question);
}

/** Show and remember what is chosen. */
function choose() {
  const names = ["lang", "theme", "door", "pace", "chunking", "size"];
  const chosen = Object.fromEntries(names.map((name) => [name, at(name).value]));
  keepChoices({ ...chosen, profile: connection.username || keptChoices().profile });
  at("size").disabled = chosen.chunking === "";
  at("chosen").textContent = [chosen.door.replace("stream_chat", "").replace("_", "") || "basic", chosen.chunking]
    .filter(Boolean)
    .join(" · ");
  document.documentElement.dataset.theme = chosen.theme;
}

function chooseLanguage() {
  document.documentElement.lang = at("lang").value;
  document.title = words().title;
  showWords();
  past.show();
  if (!at("drawer").hidden) showDrawer();
  choose();
}

function restoreChoices() {
  at("lang").value = navigator.language.startsWith("zh") ? "zh" : "en";
  for (const [name, value] of Object.entries(keptChoices())) {
    const isOne = name === "size" || [...(at(name)?.options ?? [])].some((option) => option.value === value);
    if (isOne && name !== "profile") at(name).value = value;
  }
}

async function send() {
  const message = at("message").value;
  if (message.trim() === "" || running() !== undefined || !(await connection.isReady())) return;
  // Sent twice in a hurry it is the same question.
  if (at("message").value !== message || running() !== undefined) return;
  at("message").value = "";
  ask(message, attachments.take());
}

function listen() {
  at("lang").addEventListener("change", chooseLanguage);
  for (const name of ["theme", "door", "pace", "chunking", "size"]) at(name).addEventListener("change", choose);
  at("profile").addEventListener("change", chooseProfile);
  at("new").addEventListener("click", () => {
    newConversation();
    sidePanel.makeRoom();
    at("message").focus();
  });
  at("open-connect").addEventListener("click", () => {
    sidePanel.makeRoom();
    connection.ask();
    at("scroll").scrollTop = 0;
  });
  at("go-on").addEventListener("click", comeBack);
  at("stop").addEventListener("click", () => running()?.stop());
  at("options-toggle").addEventListener("click", () => {
    at("options").hidden = !at("options").hidden;
    at("options-toggle").setAttribute("aria-expanded", String(!at("options").hidden));
  });
  at("question").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  at("message").addEventListener("keydown", (event) => {
    // While a word is being composed (as Chinese is), Enter chooses the word.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
}

/** Both tools ask the server: without a connection that is asked for first, where it can be seen. */
function isReadyForTools() {
  if (!connection.isConnected) sidePanel.makeRoom();
  return connection.isReady();
}

function listenToPanels() {
  dialogFor(at("compare"), at("open-compare"), {
    ready: isReadyForTools,
    opened: () => (at("compare-message").value = at("message").value || (connection.profile?.suggestions?.[0] ?? "")),
    closed: () => comparison.stop(),
  });
  at("compare-stop").addEventListener("click", () => comparison.stop());
  at("compare-form").addEventListener("submit", (event) => {
    event.preventDefault();
    comparison.ask(at("compare-message").value, connection.username);
  });
  dialogFor(at("selftest"), at("open-selftest"), { ready: isReadyForTools });
  at("start-test").addEventListener("click", () => selfTest.run());
}

function start() {
  restoreChoices();
  chooseLanguage();
  listen();
  listenToPanels();
  sidePanel.show(!sidePanel.narrow.matches);
  at("analytics").hidden = location.protocol === "file:";
  connection.start(
    location.protocol === "file:" ? "http://127.0.0.1:5001" : new URL(".", location.href).href.replace(/\/$/, ""),
  );
}

start();
