// Tries the rehearsal on small workflows: it treats conditions and failures as GitHub does, and stops at what it does
// not know.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = mkdtempSync(join(tmpdir(), "rehearse-test-"));
let failed = 0;

/** jobs: YAML below `jobs:`; wanted: exit code and job results, or words of the log. */
function check(sentence, jobs, code, results = {}, words = "", head = "") {
  const scenario = {
    folder,
    github: { event_name: "push", ref_type: "branch", ref_name: "b", sha: "0" },
    path: process.env.PATH,
  };
  Object.assign(scenario, {
    environments: { yes: { approved: true, vars: { A: "from yes" } }, no: { approved: false } },
  });
  writeFileSync(join(folder, "scenario.json"), JSON.stringify(scenario));
  writeFileSync(join(folder, "w.yml"), `name: w\non: {push: {branches: [b]}}\n${head}\njobs:\n${jobs}`);
  const run = spawnSync(
    "node",
    [fileURLToPath(new URL("rehearse.mjs", import.meta.url)), join(folder, "w.yml"), join(folder, "scenario.json")],
    { env: { ...process.env, REHEARSE_TEST: "x" } },
  );
  const said = run.stdout + run.stderr;
  const got = run.status < 4 ? JSON.parse(readFileSync(join(folder, "result.json"))).jobs : {};
  const holds =
    run.status === code &&
    said.includes(words) &&
    Object.entries(results).every(([id, result]) => got[id]?.result === result);
  console.log(`${holds ? "ok" : "NOT OK"}: ${sentence}`);
  if (!holds) {
    failed++;
    console.log(run.status, JSON.stringify(got), said);
  }
}

const step = (text) => `    runs-on: x\n    steps:\n      - ${text}\n`;
const unknown = (sentence, jobs, head) => check(`stops at ${sentence}`, jobs, 9, {}, "not known", head);

check("bash ends a step at the first failure", `  a:\n${step("run: |\n          false\n          true")}`, 1, {
  a: "failure",
});
check("but not in a pipe", `  a:\n${step("run: false | true")}`, 0);
check("a job is skipped after a failure", `  a:\n${step("run: false")}  b:\n    needs: a\n${step("run: true")}`, 1, {
  a: "failure",
  b: "skipped",
});
check(
  "and after a job that was skipped",
  `  a:\n    if: false\n${step("run: true")}  b:\n    needs: a\n${step("run: true")}`,
  0,
  { a: "skipped", b: "skipped" },
);
check(
  "even indirectly",
  `  a:\n    if: false\n${step("run: true")}` +
    `  b:\n    if: \${{ !cancelled() }}\n    needs: a\n${step("run: true")}` +
    `  c:\n    needs: b\n${step("run: true")}`,
  0,
  { b: "success", c: "skipped" },
);
check(
  "a step with always() runs anyway",
  `  a:\n${step("run: false\n      - if: ${{ always() }}\n        run: echo said $((40 + 2))")}`,
  1,
  { a: "failure" },
  "said 42",
);
check(
  "a step after a failure doesn't run",
  `  a:\n${step("run: false\n      - run: echo said $((40 + 2))")}`,
  1,
  {},
  "exit code 1",
);
check(
  "nor a job with its own condition",
  `  a:\n${step("run: false")}  b:\n    if: github.sha == '0'\n    needs: a\n${step("run: true")}`,
  1,
  { b: "skipped" },
);
check(
  "outputs go from step to job to job",
  `  a:\n    runs-on: x\n    outputs: {o: "\${{ steps.s.outputs.v }}"}\n` +
    `    steps:\n      - id: s\n        run: echo v=7 >>"$GITHUB_OUTPUT"\n` +
    `  b:\n    needs: a\n${step('env: {V: "${{ needs.a.outputs.o }}"}\n        run: test "$V" = 7')}`,
  0,
  { b: "success" },
);
check(
  "an environment brings its variables",
  `  a:\n    environment: yes\n${step('env: {V: "${{ vars.A }}"}\n        run: test "$V" = "from yes"')}`,
  0,
);
check(
  "a job that needs approval waits, and so do its dependents",
  `  a:\n    environment: no\n${step("run: false")}  b:\n    needs: a\n${step("run: false")}`,
  3,
  { a: "waiting", b: "waiting" },
);
check(
  "each row of a matrix runs",
  `  a:\n    strategy: {matrix: {include: [{n: 1}, {n: 2}]}}\n` +
    step('env: {N: "${{ matrix.n }}"}\n        run: test "$N" = 1'),
  1,
  { a: "failure" },
);
check(
  "a variable that isn't there is empty",
  `  a:\n${step('env: {V: "${{ vars.B }}"}\n        run: test -z "$V"')}`,
  0,
);
check("a step doesn't have the caller's environment", `  a:\n${step('run: test -z "$REHEARSE_TEST"')}`, 0);
unknown("a key of a workflow", `  a:\n${step("run: true")}`, "defaults: {run: {shell: sh}}");
unknown("a key of a job", `  a:\n    container: debian\n${step("run: true")}`);
unknown("a key of a step", `  a:\n${step("run: true\n        continue-on-error: true")}`);
unknown("an action without stub", `  a:\n${step("uses: some/action@v1")}`);
unknown("an environment", `  a:\n    environment: other\n${step("run: true")}`);
unknown("an environment variable for later steps", `  a:\n${step('run: echo A=1 >>"$GITHUB_ENV"')}`);
unknown("a matrix of lists", `  a:\n    strategy: {matrix: {n: [1, 2]}}\n${step("run: true")}`);
unknown("needs in a circle", `  a:\n    needs: b\n${step("run: true")}  b:\n    needs: a\n${step("run: true")}`);

rmSync(folder, { recursive: true });
process.exitCode = failed ? 1 : 0;
