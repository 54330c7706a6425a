/**
 * `bun run test [FILES]`: style, types and the build beside each other, then every test, several files at a time. Prints the errors of
 * failed tests once more at the end, then one line `N passed, N failed` (`, N skipped`); each check before the tests counts as one.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Glob } from "bun";

type Totals = { readonly passed: number; readonly failed: number; readonly skipped: number };

const root = join(import.meta.dir, "../..");
const folder = mkdtempSync(join(tmpdir(), "rt-data-tests-"));
const page = join(folder, "page");
const executable = join(root, "dist/rt-data");

/** Files that build into the checkout, or compare real time with figures; they run one after another when all others are done. */
const alone: readonly string[] = [
  "test/packaging/release.test.ts",
  "test/program/telegram/kill.test.ts",
  "test/unit/monitor/monitor.test.ts",
];

/** Tests wait for sockets, timers and child processes more than they compute: six files keep two cores busy. */
const filesAtOnce = availableParallelism() * 3;

const checks: readonly (readonly [name: string, words: readonly string[]])[] = [
  ["style and lint (biome)", ["bunx", "biome", "ci"]],
  ["types (tsc)", ["bunx", "tsc"]],
  ["the page and the executable build", ["bun", "run", "build"]],
];

/** The output of each failed test. In a long run it is hard to find, and a log may keep only its end. */
const failures: string[] = [];
const linesOfFailure = 60;

const wanted = process.argv.slice(2);
const files = wanted.length > 0 ? wanted : [...new Glob("test/**/*.test.ts").scanSync(root)].sort();

try {
  const totals = [await runChecks()];
  // Browser tests share the page that was just built instead of building five of their own.
  if (existsSync(join(root, "web/dist"))) cpSync(join(root, "web/dist"), page, { recursive: true });
  totals.push(
    await runTests(
      files.filter((file) => !alone.includes(file)),
      [`--parallel=${filesAtOnce}`],
    ),
  );
  totals.push(
    await runTests(
      files.filter((file) => alone.includes(file)),
      [],
    ),
  );
  const { passed, failed, skipped } = totals.reduce(add);
  for (const failure of failures) console.log(`\n${failure}`);
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** What a check says is shown when it is over, so that three at a time do not mix. */
async function runChecks(): Promise<Totals> {
  const outcomes = await Promise.all(
    checks.map(async ([name, words]) => {
      const child = Bun.spawn([...words], { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
      const said = await Promise.all([child.stdout, child.stderr].map((stream) => new Response(stream).text()));
      const isPassed = (await child.exited) === 0;
      console.log(`${isPassed ? "" : said.join("\n")}(${isPassed ? "pass" : "fail"}) ${name}`);
      return isPassed;
    }),
  );
  const passed = outcomes.filter(Boolean).length;
  return { passed, failed: outcomes.length - passed, skipped: 0 };
}

/** The slowest files start first: `test/timings.json` knows them (`bun test --timings=test/timings.json --update-timings`). */
async function runTests(names: readonly string[], flags: readonly string[]): Promise<Totals> {
  if (names.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const report = join(folder, "junit.xml");
  rmSync(report, { force: true });
  const reporting = ["--reporter=junit", `--reporter-outfile=${report}`, "--timings=test/timings.json"];
  const child = Bun.spawn(["bun", "test", "--timeout=60000", ...flags, ...reporting, ...names], {
    cwd: root,
    env: { ...process.env, ...(existsSync(page) && { TEST_BUILT_PAGE: page, TEST_EXECUTABLE: executable }) },
    stdio: ["ignore", "inherit", "pipe"],
  });
  await passOn(child.stderr);
  const code = await child.exited;
  const { tests, failed, skipped } = readTotals(report);
  return { passed: tests - failed - skipped, failed: code !== 0 && failed === 0 ? 1 : failed, skipped };
}

/** Shows the test runner's output as it comes, and keeps the output of each failed test: the lines before `(fail)`. */
async function passOn(output: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  let [rest, said, isSummary]: [string, string[], boolean] = ["", [], false];
  for await (const bytes of output) {
    process.stderr.write(bytes);
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      said = [...said, line].slice(-linesOfFailure);
      if (line.startsWith("(fail)") && !isSummary) failures.push(said.join("\n"));
      if (/^\((pass|fail|skip)\)/.test(line)) said = [];
      // After a long run the test runner lists the failed tests again by name.
      if (/^\d+ tests? failed:$/.test(line)) isSummary = true;
    }
  }
}

/** The sums that the test runner wrote down; zeros if it did not come that far. */
function readTotals(report: string): { tests: number; failed: number; skipped: number } {
  let head = "";
  try {
    head = /<testsuites [^>]*>/.exec(readFileSync(report, "utf8"))?.[0] ?? "";
  } catch {
    console.error("the test runner ended without a report");
  }
  const sum = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  return { tests: sum("tests"), failed: sum("failures"), skipped: sum("skipped") };
}

function add(a: Totals, b: Totals): Totals {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}
