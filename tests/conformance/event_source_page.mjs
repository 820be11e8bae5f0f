// What a page does with an EventSource, which can neither ask a question nor send a token: fetch asks, and a ticket is
// the right to follow. The same for the browser's own and for the package.
import { DOOR, Seen, question } from "./house.mjs";

export async function run(told, EventSource) {
  const seen = new Seen();
  const asked = await ask(told);
  const source = new EventSource(`${told.url}/api/streams/${asked.stream}?ticket=${asked.ticket}`);
  source.onopen = asked.leave; // from now on this one reads
  return new Promise((resolve) => {
    const over = () => {
      source.close();
      resolve(seen);
    };
    source.onmessage = ({ data }) => {
      seen.show(JSON.parse(data));
      if (told.act === "stop" && seen.text) seen.end = "stopped";
      if (seen.end && told.act !== "stay") over();
    };
    source.onerror = ({ code }) => {
      if (source.readyState !== EventSource.CLOSED) return; // it comes back by itself
      if (!seen.end) seen.fail({ status: code });
      over();
    };
  });
}

// Whoever may not ask has no ticket either, and tries with none that is good.
async function ask(told) {
  const leaving = new AbortController();
  const response = await fetch(told.beside + DOOR, { ...question(told), signal: leaving.signal });
  if (!response.ok) return { stream: "st_none", ticket: "none", leave: () => {} };
  const stream = response.headers.get("X-Stream-Id");
  const { headers } = question(told);
  const ticket = await (await fetch(`${told.beside}/api/streams/${stream}/ticket`, { method: "POST", headers })).json();
  return { stream, ticket: ticket.ticket, leave: () => leaving.abort() };
}
