// Stubs for actions in a rehearsal. Each does only what the steps after it need; an action without a stub stops the
// rehearsal. Each gets {with, env, workspace, scenario, github} and may throw.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const artifact = (scenario, name) => join(scenario.folder, "artifacts", name);

/** Files of a pattern with one * in its last part. */
function files(workspace, pattern) {
  const folder = join(workspace, dirname(pattern));
  const [before, after = ""] = basename(pattern).split("*");
  return readdirSync(folder)
    .filter((name) => name.startsWith(before) && name.endsWith(after) && (pattern.includes("*") || name === before))
    .map((name) => join(folder, name));
}

export const standIns = {
  /** A clone of the scenario's remote, at a branch or at the commit of the event. */
  "actions/checkout"({ with: { path = ".", ref }, workspace, scenario, github }) {
    const folder = join(workspace, path);
    execFileSync("git", ["clone", "-q", scenario.remote, folder]);
    execFileSync("git", ["-C", folder, "checkout", "-q", "--detach", ref ? `origin/${ref}` : github.sha]);
  },

  /** The JDK of this machine. */
  "actions/setup-java"() {},

  "actions/upload-artifact"({ with: { name, path, ...others }, workspace, scenario }) {
    const found = files(workspace, path);
    if (found.length === 0 && others["if-no-files-found"] === "error") throw new Error(`no files: ${path}`);
    mkdirSync(artifact(scenario, name), { recursive: true });
    for (const file of found) cpSync(file, join(artifact(scenario, name), basename(file)));
  },

  "actions/download-artifact"({ with: { name, path }, workspace, scenario }) {
    cpSync(artifact(scenario, name), join(workspace, path), { recursive: true });
  },

  /** Reports the scenario's finding, without a scan. */
  "aquasecurity/trivy-action"({ with: inputs, workspace, scenario }) {
    if (!/@sha256:[0-9a-f]{64}$/.test(inputs["image-ref"])) throw new Error(`no digest: ${inputs["image-ref"]}`);
    scenario.scanned.push(inputs["image-ref"]);
    if (inputs.output) writeFileSync(join(workspace, inputs.output), "{}\n");
    if (scenario.finding === inputs.severity && inputs["exit-code"] === "1")
      throw new Error(`found: ${scenario.finding}`);
  },

  /** Attests nothing; records the subject. */
  "actions/attest"({ with: inputs, scenario }) {
    scenario.attested.push(`${inputs["subject-name"]}@${inputs["subject-digest"]}`);
  },

  /** Connects nothing: this machine is the target. */
  "tailscale/github-action"({ with: { ping } }) {
    if (!ping) throw new Error("nobody to ping");
  },
};
