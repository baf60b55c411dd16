// What every client is asked, and what the simulator answers to it.
import { test } from "node:test";

/** Tests of that client, which can't hang. */
export const promises =
  (client, seconds = 60) =>
  (sentence, check) =>
    test(`${client} ${sentence}`, { timeout: seconds * 1000 }, check);

/**
 * For a server whose answers are checked, and which knows every field that the clients send. The long answer takes more
 * than a minute, so it must be aborted.
 */
export const CHATS = { SIMULATOR_TOKENS_PER_SECOND: 100, NUM_CTX: 1024, UNKNOWN_FIELDS: "refuse" };
export const SHORT = "Answer in 5 tokens";
export const LONG = "Answer in 8000 tokens";
export const TOO_LONG = "word ".repeat(2000);

/** For a server that refuses the second request, and serves it after five seconds. */
export const LIMITED = { RATE_LIMIT_RPM: 12, RATE_LIMIT_BURST: 1 };

/** The simulator calls the tool that is named here, in ten turns; then it reports. */
export const WEATHER = "Use get_weather with city=Paris 10 times";
export const BOTH = "Use get_weather and get_time with city=Paris";
export const CITIES = Array(10).fill("Paris");
export const FORECAST = 18;
export const REPORT = `The tool get_weather said: "${FORECAST}".`;

/** The simulator takes the name and the city from the question, and the rest from the schema: the first or least. */
export const EVENT = "Describe the event with name=Fair and city=Paris";
export const FAIR = { name: "Fair", kind: "fair", guests: 3, city: "Paris" };

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
export const IMAGE = `data:image/png;base64,${PNG}`;
export const SEEN = `I see 1 image (${Buffer.from(PNG, "base64").length} bytes).`;
