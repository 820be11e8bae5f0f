// What a page does with a chat, scene by scene. Each returns what is to be looked at.

const streamOf = (message) => message.metadata.stream_id;
const hasText = (message) => message.parts.some((part) => part.type === "text" && part.text !== "");
const isAsked = (message) => message.parts.some((part) => part.type === "data-question" && part.data.status === "open");

async function send({ told, makeChat }) {
  const chat = makeChat();
  await chat.sendMessage({ text: told.text, files: told.files });
  return chat.report;
}

// Without a chat around it: the transport alone, and the SDK's reader of messages.
async function read({ sdk, told, makeChat }) {
  const message = { id: "m1", role: "user", parts: [{ type: "text", text: told.text }] };
  const sent = { chatId: told.chat, trigger: "submit-message", messageId: undefined, messages: [message] };
  const stream = await makeChat().transport.sendMessages(sent);
  let last;
  for await (const shown of sdk.readUIMessageStream({ stream })) last = shown;
  return last;
}

async function askAgain({ told, makeChat }) {
  const chat = makeChat();
  await chat.sendMessage({ text: told.text });
  await chat.sendMessage({ text: "and again" });
  const before = chat.report;
  await chat.regenerate();
  return { before, after: chat.report };
}

async function answer({ told, makeChat, house }) {
  const chat = makeChat();
  const sending = chat.sendMessage({ text: told.text });
  const asked = await chat.until(isAsked);
  await house.answer(streamOf(asked), "blue");
  await sending;
  return chat.report;
}

// The button of the SDK ends the reading only; the work is stopped by the server's own door.
async function stop({ told, makeChat, house }) {
  const chat = makeChat();
  const sending = chat.sendMessage({ text: told.text });
  const begun = await chat.until(hasText);
  await chat.stop();
  await sending;
  return { chat: chat.report, stopped: await house.stop(streamOf(begun)) };
}

// The same button alone, for a question that is stopped by leaving.
async function leave({ told, makeChat }) {
  const chat = makeChat();
  const sending = chat.sendMessage({ text: told.text });
  await chat.until(hasText);
  await chat.stop();
  await sending;
  return chat.report;
}

// The same without leaving: the stream itself says that it was stopped.
async function stopAndSee({ told, makeChat, house }) {
  const chat = makeChat();
  const sending = chat.sendMessage({ text: told.text });
  const begun = await chat.until(hasText);
  const stopped = await house.stop(streamOf(begun));
  await sending;
  return { chat: chat.report, stopped };
}

// A page is closed, and another one opened in its place; and once more when all is over.
async function resume({ told, makeChat, house }) {
  const first = makeChat();
  const sending = first.sendMessage({ text: told.text });
  await first.until(isAsked);
  await first.stop();
  await sending;
  const second = makeChat();
  const resuming = second.resumeStream();
  await house.answer(streamOf(await second.until(isAsked)), "blue");
  await resuming;
  const third = makeChat();
  await third.resumeStream();
  return { first: first.report, second: second.report, third: third.report };
}

// The network fails in the middle, the work goes on to its end, and the page asks for that very stream.
async function loseAndReplay({ told, makeChat, house }) {
  const network = breakable();
  let replay;
  const options = { fetch: network.fetch, prepareReconnectToStreamRequest: () => ({ api: replay }) };
  const chat = makeChat(options);
  const sending = chat.sendMessage({ text: told.text });
  const asked = await chat.until(isAsked);
  network.fail();
  await sending;
  const broken = chat.report;
  await house.answer(streamOf(asked), "blue");
  while ((await house.running()).status !== 204); // it is over: the chat has nothing to resume
  replay = `${told.api}/${told.chat}/stream?stream_id=${streamOf(asked)}`;
  // Version 5 adds a replay to what the chat has; there, a new one takes its place.
  const next = told.sdk.startsWith("ai-5") ? makeChat(options) : chat;
  if (next !== chat) next.messages = chat.messages.slice(0, -1);
  await next.resumeStream();
  return { broken, replayed: next.report };
}

// Somebody else cuts the connection while the work goes on, and the page asks what there is to resume.
async function cutOff({ told, makeChat }) {
  const chat = makeChat();
  await chat.sendMessage({ text: told.text });
  const next = told.sdk.startsWith("ai-5") ? makeChat() : chat;
  await next.resumeStream();
  return next.report;
}

// A fetch whose POSTs can be cut as a network does it.
function breakable() {
  let fail;
  const failed = new Promise((_, reject) => (fail = () => reject(new TypeError("network error"))));
  const cut = (body) => {
    const reader = body.getReader();
    const pull = async (stream) => {
      const { done, value } = await Promise.race([reader.read(), failed]);
      if (done) stream.close();
      else stream.enqueue(value);
    };
    return new ReadableStream({ pull });
  };
  const cutting = async (url, options) => {
    const response = await fetch(url, options);
    return options.method === "POST" ? new Response(cut(response.body), response) : response;
  };
  return { fetch: cutting, fail };
}

export const scenes = { send, read, askAgain, answer, stop, leave, stopAndSee, resume, loseAndReplay, cutOff };
