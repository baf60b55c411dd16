// GitHub's own parser and expressions. Its modules import JSON as Node 20 doesn't allow,
// so a loader turns it into JavaScript.
import { register } from "node:module";

register(
  "data:text/javascript," +
    encodeURIComponent(`
      import { readFile } from "node:fs/promises";
      export async function load(url, context, next) {
        if (!url.endsWith(".json")) return next(url, context);
        const json = await readFile(new URL(url), "utf8");
        return { format: "module", shortCircuit: true, source: "export default " + json };
      }`),
);

const { parseWorkflow, NoOperationTraceWriter, convertWorkflowTemplate } = await import("@actions/workflow-parser");
const { ErrorPolicy } = await import("@actions/workflow-parser/model/convert");

/** GitHub's errors for a workflow; empty if there are none. */
export async function errorsOf(name, content) {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  if (value) await convertWorkflowTemplate(context, value, undefined, { errorPolicy: ErrorPolicy.TryConversion });
  return context.errors.getErrors().map((error) => error.message);
}

export const expressions = await import("@actions/expressions");
export const { ensureStatusFunction } = await import("@actions/workflow-parser/model/converter/if-condition");
