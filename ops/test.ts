/**
 * `bun run test`: style, types, the page and the executable built, then every test. Ends with one line
 * `N passed, N failed` (`, N skipped`); each check before the tests counts as one.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const checks: readonly (readonly [name: string, words: readonly string[]])[] = [
  ["style and lint (biome)", ["bunx", "biome", "ci"]],
  ["types (tsc)", ["bunx", "tsc"]],
  ["the page and the executable build", ["bun", "run", "build"]],
];

const report = join(mkdtempSync(join(tmpdir(), "rt-data-report-")), "junit.xml");
const only = process.argv.slice(2);
let passed = 0;
let failed = 0;
let skipped = 0;

for (const [name, words] of checks) {
  const ok = run(words) === 0;
  console.log(`(${ok ? "pass" : "fail"}) ${name}`);
  if (ok) passed++;
  else failed++;
}

const code = run(["bun", "test", "--timeout=60000", "--reporter=junit", `--reporter-outfile=${report}`, ...only]);
const totals = readTotals();
passed += totals.tests - totals.failures - totals.skipped;
failed += totals.failures;
skipped += totals.skipped;
if (code !== 0 && totals.failures === 0) failed++;
rmSync(join(report, ".."), { recursive: true, force: true });
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failed === 0 ? 0 : 1);

function run(words: readonly string[]): number {
  return Bun.spawnSync([...words], { cwd: root, stdio: ["ignore", "inherit", "inherit"] }).exitCode;
}

/** The sums that the test runner wrote down; zeros if it did not come that far. */
function readTotals(): { tests: number; failures: number; skipped: number } {
  let head = "";
  try {
    head = /<testsuites [^>]*>/.exec(readFileSync(report, "utf8"))?.[0] ?? "";
  } catch {
    console.error("the test runner ended without a report");
  }
  const sum = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  return { tests: sum("tests"), failures: sum("failures"), skipped: sum("skipped") };
}
