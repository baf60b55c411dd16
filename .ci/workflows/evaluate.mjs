// GitHub's expressions, by GitHub's own evaluator.
import { ensureStatusFunction, expressions } from "./parser.mjs";

const { data, Evaluator, Lexer, Parser } = expressions;
const contexts = ["github", "vars", "secrets", "env", "needs", "matrix", "steps", "inputs"];
const statuses = ["success", "failure", "always", "cancelled"];

/** The value of one expression. known: the contexts; status: what success(), failure() and cancelled() say. */
function valueOf(source, known, status = {}) {
  const functions = new Map(
    statuses.map((name) => [
      name,
      { name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(name === "always" || Boolean(status[name])) },
    ]),
  );
  const names = contexts.filter((name) => name in known);
  const tree = new Parser(new Lexer(source).lex().tokens, names, [...functions.values()]).parse();
  const pairs = names.map((key) => ({ key, value: JSON.parse(JSON.stringify(known[key]), data.reviver) }));
  return new Evaluator(tree, new data.Dictionary(...pairs), functions).evaluate();
}

const expression = /\$\{\{((?:'[^']*'|[^'])*?)\}\}/g;

/** A value with its expressions evaluated. A lone expression keeps its type; within text it becomes text. */
export function fill(written, known) {
  if (Array.isArray(written)) return written.map((item) => fill(item, known));
  if (written !== null && typeof written === "object")
    return Object.fromEntries(Object.entries(written).map(([key, value]) => [key, fill(value, known)]));
  if (typeof written !== "string") return written;
  const whole = [...written.matchAll(expression)];
  if (whole.length === 1 && whole[0][0] === written.trim())
    return JSON.parse(JSON.stringify(valueOf(whole[0][1], known), data.replacer));
  return written.replace(expression, (_, source) => valueOf(source, known).coerceString());
}

/** The same for a mapping; its values become text, null an empty one. */
export function fillTexts(written, known) {
  const filled = Object.entries(fill(written ?? {}, known));
  return Object.fromEntries(filled.map(([name, value]) => [name, value === null ? "" : String(value)]));
}

/** Whether a job or step runs. A condition without a status function implies success(). */
export function holds(condition, known, status) {
  const source = condition === undefined ? "success()" : String(condition).replace(/^\s*\$\{\{(.*)\}\}\s*$/s, "$1");
  const allowedContext = [...contexts, ...statuses.map((name) => `${name}(0,0)`)];
  const value = valueOf(ensureStatusFunction(source, { allowedContext }), known, status);
  return !["", "false", "0"].includes(value.coerceString());
}
