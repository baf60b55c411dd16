// Lints every workflow, then breaks each rule in a copy to see that it is a rule. Says "ok: …" or "NOT OK: …" for each.
import { readFileSync, readdirSync } from "node:fs";
import { parse } from "yaml";
import { broken } from "./broken.mjs";
import { releaseRules } from "./release-rules.mjs";
import { shapeRules } from "./shape-rules.mjs";
import { read } from "./workflow.mjs";

const rules = { ...shapeRules, ...releaseRules };
const folder = new URL("../../.github/", import.meta.url);
const contentOf = (name) => readFileSync(new URL(`workflows/${name}`, folder), "utf8");

async function complaints(file, only = Object.keys(rules)) {
  const found = [];
  for (const rule of only) for await (const sentence of rules[rule](file)) found.push(`${rule}: ${sentence}`);
  return found;
}

let failed = 0;
function check(sentence, holds, why = []) {
  if (!holds) failed++;
  console.log(`${holds ? "ok" : "NOT OK"}: ${sentence}`);
  if (!holds) for (const line of why) console.log(`  ${line}`);
}

for (const name of readdirSync(new URL("workflows", folder))) {
  const found = await complaints(read(name, contentOf(name)));
  check(`${name} keeps the rules`, found.length === 0, found);
}

for (const [rule, name, from, to] of broken) {
  const content = contentOf(name);
  const found = content.includes(from) ? await complaints(read(name, content.replace(from, () => to)), [rule]) : [];
  check(`${rule}: ${name} with ${JSON.stringify(to.slice(0, 60))} for ${JSON.stringify(from.slice(0, 60))} is refused`, found.length > 0);
}
const untried = Object.keys(rules).filter((rule) => !broken.some(([name]) => name === rule));
check("each rule is broken once", untried.length === 0, untried);

const dependabot = parse(readFileSync(new URL("dependabot.yml", folder), "utf8"));
check(
  "Dependabot looks after all that is pinned, a week late",
  ["maven", "github-actions", "docker", "docker-compose", "npm"].every((kind) =>
    dependabot.updates.some((update) => update["package-ecosystem"] === kind && update.cooldown?.["default-days"] >= 7),
  ),
);
process.exitCode = failed ? 1 : 0;
