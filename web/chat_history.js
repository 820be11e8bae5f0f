"use strict";

/** The list of the caller's conversations: shows it, opens one, forgets one. */
class PastConversations {
  /** @param {{list: any, note: any, open: (id: string) => void, forgotten: (id: string) => void}} where */
  constructor({ list, note, open, forgotten }) {
    this.list = list;
    this.note = note;
    this.open = open;
    this.forgotten = forgotten;
    /** @type {any[]} */
    this.conversations = [];
    this.current = "";
  }

  /** Read the list anew. @param {ChatApi} api */
  async load(api) {
    this.api = api;
    try {
      this.conversations = await api.conversations();
      this.note.textContent = "";
      if (this.conversations.length === 0) called(this.note, "noConversations");
      else delete this.note.dataset.word;
    } catch (problem) {
      this.note.textContent = problem.message;
    }
    this.show();
  }

  /** Mark the one that is on the page. */
  choose(id) {
    this.current = id;
    this.show();
  }

  show() {
    this.list.replaceChildren(...this.conversations.map((conversation) => this.row(conversation)));
  }

  row({ conversation_id: id, title, updated_at: updated, profile }) {
    const below = element("span", { class: "small faint" }, `${shortTime(new Date(updated))} · ${profile}`);
    const isCurrent = id === this.current ? "page" : null;
    const name = element("span", { class: "title" }, title.replaceAll(/\s+/g, " "));
    const opened = element(
      "button",
      { type: "button", class: "conversation", "aria-current": isCurrent, click: () => this.open(id) },
      name,
      below,
    );
    const forget = iconButton("bin", "forget", () => this.confirm(row, id));
    const row = element("li", {}, opened, forget);
    return row;
  }

  /** Ask again before what cannot be brought back. */
  confirm(row, id) {
    const yes = element("button", { type: "button", class: "danger", word: "forgetYes", click: () => this.forget(id) });
    const no = element("button", { type: "button", class: "plain", word: "forgetNo", click: () => this.show() });
    row.replaceChildren(element("p", { class: "row sure" }, element("span", { word: "forgetSure" }), yes, no));
    no.focus();
  }

  async forget(id) {
    try {
      await this.api.forget(id);
      this.conversations = this.conversations.filter(({ conversation_id: other }) => other !== id);
      this.forgotten(id);
      this.show();
    } catch (problem) {
      this.note.textContent = problem.message;
      this.show();
    }
  }
}

/** Today the time is enough, before today the day. @param {Date} time */
function shortTime(time) {
  const isToday = time.toDateString() === new Date().toDateString();
  const lang = document.documentElement.lang;
  return isToday ? time.toLocaleTimeString(lang, { timeStyle: "short" }) : time.toLocaleDateString(lang);
}

/** Exchanges of an earlier visit as they were kept: the text of the answers, and how they ended. */
function pastTurn({ profile, message, answer, status }) {
  const view = new AnswerView();
  view.append(answer);
  view.finish();
  const ended = status === "complete" ? [] : [element("p", { class: "small faint", word: `ended_${status}` })];
  const copy = iconButton("copy", "copy", () => copyText(answer, copy));
  const actions = element("p", { class: "actions" }, answer === "" ? null : copy);
  return turnElement({ question: message, name: profile }, view.element, ...ended, actions);
}
