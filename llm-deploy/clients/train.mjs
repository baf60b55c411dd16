// Makes the archive of classes that saves the servers half of their start: starts one, asks it, and stops it.
import { SHORT } from "./chats.mjs";
import { start } from "./server.mjs";

const server = await start({ after: (end) => process.on("exit", end) });
for (const stream of [true, false]) {
  await server.post(JSON.stringify({ stream, messages: [{ role: "user", content: SHORT }] }));
}
await server.terminate();
