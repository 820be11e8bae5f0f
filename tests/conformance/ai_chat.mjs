// Plays one scene with the AI SDK's own chat, as a page does it, and prints what the page would have seen as JSON.
//
// node ai_chat.mjs '{"sdk": "ai-7", "scene": "send", "api": …, "token": …, "chat": …, "text": …, "body": {…}}'
import { scenes } from "./ai_scenes.mjs";

const told = JSON.parse(process.argv[2]);
const sdk = await import(told.sdk);
const streams = new URL("streams/", told.api);
const authorization = { Authorization: `Bearer ${told.token}` };

class State {
  status = "ready";
  error = undefined;
  messages = [];
  whenChanged = () => {};
  pushMessage = (message) => this.#set([...this.messages, message]);
  popMessage = () => this.#set(this.messages.slice(0, -1));
  replaceMessage = (index, message) => this.#set(this.messages.with(index, structuredClone(message)));
  snapshot = (thing) => structuredClone(thing);

  #set(messages) {
    this.messages = messages;
    this.whenChanged();
  }
}

class Chat extends sdk.AbstractChat {
  // Pages keep what they are told for the moment, too; `told` is that.
  constructor(options = {}) {
    const state = new State();
    const seen = { state, data: [], finish: null };
    super({
      id: told.chat,
      state,
      transport: new sdk.DefaultChatTransport({ api: told.api, headers: authorization, body: told.body, ...options }),
      onData: (part) => seen.data.push(part),
      onFinish: ({ isAbort, isDisconnect, isError, finishReason }) => {
        seen.finish = { isAbort, isDisconnect, isError, finishReason };
      },
      onError: () => {},
    });
    this.seen = seen;
  }

  // Done once the page shows what `looksRight` wants of the last message.
  until(looksRight) {
    return new Promise((resolve) => {
      this.seen.state.whenChanged = () => {
        const last = this.messages.at(-1);
        if (last?.role === "assistant" && looksRight(last)) {
          this.seen.state.whenChanged = () => {};
          resolve(last);
        }
      };
      this.seen.state.whenChanged();
    });
  }

  get report() {
    const { data, finish } = this.seen;
    return { messages: this.messages, status: this.status, error: this.error?.message ?? null, data, finish };
  }
}

async function request(method, path, body) {
  const headers = { ...authorization, "Content-Type": "application/json" };
  const response = await fetch(new URL(path, streams), { method, headers, body: body && JSON.stringify(body) });
  return response.json();
}

const house = {
  answer: (stream, input) => request("POST", `${stream}/input`, { input }),
  stop: (stream) => request("DELETE", stream),
  running: () => fetch(`${told.api}/${told.chat}/stream`, { headers: authorization }),
};

console.log(JSON.stringify(await scenes[told.scene]({ sdk, told, house, makeChat: (options) => new Chat(options) })));
