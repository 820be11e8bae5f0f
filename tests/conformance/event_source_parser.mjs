// eventsource-parser over fetch, whose abort stops it. Its user comes back by hand, with the last id.
import { EventSourceParserStream } from "eventsource-parser/stream";
import { DOOR, Seen, question } from "./house.mjs";

const told = JSON.parse(process.argv[2]);
const seen = new Seen();
let stream;
let lastEventId;

async function read(path, request) {
  const leaving = new AbortController();
  const response = await fetch(told.url + path, { ...request, signal: leaving.signal });
  stream ??= response.headers.get("X-Stream-Id");
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const event of events) {
    lastEventId = event.id ?? lastEventId;
    seen.show(JSON.parse(event.data), response.ok ? null : response.status);
    if (told.act === "stop" && seen.text) {
      seen.end = "stopped";
      leaving.abort();
    }
    if (seen.end) return;
  }
}

try {
  await read(DOOR, question(told));
} catch (error) {
  if (told.act !== "resume") throw error;
  const { Authorization } = question(told).headers;
  await read(`/api/streams/${stream}`, { headers: { Authorization, "Last-Event-ID": lastEventId } });
}
console.log(JSON.stringify(seen));
