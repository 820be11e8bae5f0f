// The package eventsource: the browser's EventSource, for Node.
import { EventSource } from "eventsource";
import { run } from "./event_source_page.mjs";

// The package lets a process end while it waits to come back.
const staying = setInterval(() => {}, 60_000);
console.log(JSON.stringify(await run(JSON.parse(process.argv[2]), EventSource)));
clearInterval(staying);
