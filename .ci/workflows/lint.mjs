// Lints every workflow; if all pass, breaks each rule in a copy to see that it complains, and tries changes that break
// none. Prints "ok: …" or "NOT OK: …" for each.
import { readFileSync, readdirSync } from "node:fs";
import { parse } from "yaml";
import { broken, harmless } from "./broken.mjs";
import { releaseRules } from "./release-rules.mjs";
import { shapeRules, syntaxRules } from "./shape-rules.mjs";
import { read } from "./workflow.mjs";

const otherRules = { ...shapeRules, ...releaseRules };
const rules = { ...syntaxRules, ...otherRules };
const folder = new URL("../../.github/", import.meta.url);
const contents = {};
for (const name of readdirSync(new URL("workflows/", folder)))
  contents[name] = readFileSync(new URL(`workflows/${name}`, folder), "utf8");

/** The complaints of these rules about a file. */
async function complaints(rules, file) {
  const found = [];
  for (const [rule, sentences] of Object.entries(rules))
    for await (const sentence of sentences(file)) found.push(`${rule}: ${sentence}`);
  return found;
}

/** All complaints. The other rules can only read files that pass the syntax rules. */
async function allComplaints(name, content) {
  const found = await complaints(syntaxRules, { name, content });
  return found.length ? found : complaints(otherRules, read(name, content));
}

let failed = 0;
function check(sentence, holds, why = []) {
  if (!holds) failed++;
  console.log(`${holds ? "ok" : "NOT OK"}: ${sentence}`);
  if (!holds) for (const line of why) console.log(`  ${line}`);
}

for (const [name, content] of Object.entries(contents)) {
  const found = await allComplaints(name, content);
  check(`${name} keeps the rules`, found.length === 0, found);
}

const dependabot = parse(readFileSync(new URL("dependabot.yml", folder), "utf8"));
check(
  "Dependabot raises Maven's, actions', Dockerfile's, compose's and npm's versions, a week late",
  ["maven", "github-actions", "docker", "docker-compose", "npm"].every((kind) =>
    dependabot.updates.some((update) => update["package-ecosystem"] === kind && update.cooldown?.["default-days"] >= 7),
  ),
);

// The rules are tried on workflows that keep them.
if (failed) process.exit(1);

const shown = (from) => (from instanceof RegExp ? String(from) : JSON.stringify(from));
const short = (value) => (value.length > 60 ? `${value.slice(0, 60)}…` : value);

/** A workflow with `to` for `from`; nothing if it has no `from`. */
function edited(name, from, to) {
  const content = contents[name]?.replace(from, () => to);
  if (content !== contents[name]) return content;
  check(`broken.mjs: ${name} no longer has ${shown(from)}; write what stands there now`, false);
}

for (const [rule, name, from, to] of broken) {
  const content = edited(name, from, to);
  if (!content) continue;
  const found = await complaints(
    { [rule]: rules[rule] },
    rule in syntaxRules ? { name, content } : read(name, content),
  );
  check(`${rule}: ${name} with ${short(shown(to))} for ${short(shown(from))} is refused`, found.length > 0);
}
for (const [name, from, to] of harmless) {
  const content = edited(name, from, to);
  if (!content) continue;
  const found = await allComplaints(name, content);
  check(`${name} with ${short(shown(to))} for ${short(shown(from))} keeps the rules`, found.length === 0, found);
}
const untried = Object.keys(rules).filter((rule) => !broken.some(([name]) => name === rule));
check("each rule is broken once", untried.length === 0, untried);

process.exitCode = failed ? 1 : 0;
