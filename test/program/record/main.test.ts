import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../../server/domain/status.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData, start } from "../../support/program.ts";
import { until } from "../../support/wait.ts";

/** Level 19 would compress the demo's yesterday for seconds. */
const env = { RT_DATA_ARCHIVE_LEVEL: "3" };

/** Runs to its end. */
async function run(words: readonly string[]) {
  const program = start([...rtData, ...words], { cwd: temporaryFolder(), env });
  return { code: await program.ended, output: program.output(), errors: program.errors() };
}

function expectOneClearError({ code, errors }: { code: number | string; errors: string }, ...parts: string[]): void {
  expect(code).toBe(2);
  expect(errors).toStartWith("rt-data: ");
  for (const part of parts) expect(errors).toContain(part);
  expect(errors).not.toMatch(/^\s+at /m);
  expect(errors).not.toContain("node:");
}

const demo = ["demo", "--port", "0", "--log-level", "warn"];

test("a data folder that cannot be written: one clear error, exit code 2, no stack trace", async () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  const ended = await run([...demo, "--data-dir", join(file, "data")]);
  expectOneClearError(ended, "cannot use the data folder", "--data-dir");
  expect(ended.errors.trim().split("\n")).toHaveLength(1);
});

test("a port that is taken: one clear error, exit code 2, and no files are left", async () => {
  const blocker = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const folder = join(temporaryFolder(), "data");
  const ended = await run(["demo", "--port", String(blocker.port), "--data-dir", folder]);
  expectOneClearError(ended, `127.0.0.1:${blocker.port}`, "http.port");
  expect(ended.errors.trim().split("\n")).toHaveLength(1);
  await blocker.stop(true);
  const again = start([...rtData, ...demo, "--data-dir", folder], { env });
  await again.url();
  again.kill("SIGTERM");
  expect(await again.ended).toBe(0);
}, 60_000);

test("three mistakes in the config are told at once, exit code 2, no stack trace", async () => {
  const file = join(temporaryFolder(), "rt-data.toml");
  writeFileSync(file, '[record]\nflush_ms = "soon"\nsymbls = ["BTCUSDT"]\n[http]\nport = 99999\n');
  const ended = await run(["record", "--config", file]);
  expectOneClearError(
    ended,
    "3 problems",
    "record.flush_ms",
    "soon",
    "symbls",
    'did you mean "symbols"',
    "99999",
    "0 to 65535",
  );
  expect(ended.errors.trim().split("\n")).toHaveLength(4);
});

test("a misspelt command, flag or value is refused with a suggestion", async () => {
  expectOneClearError(await run(["recrod"]), 'unknown command "recrod"', 'did you mean "record"');
  expectOneClearError(await run(["help", "recrod"]), 'unknown command "recrod"', 'did you mean "record"');
  expectOneClearError(await run(["list"]), 'unknown command "list"', 'did you mean "ls"');
  expectOneClearError(await run(["--json", "ls"]), "the command is missing before --json");
  expectOneClearError(
    await run(["record", "--data-dri", "x"]),
    "unknown flag --data-dri",
    "did you mean",
    "--data-dir",
  );
  expectOneClearError(await run(["record", "--port"]), "--port needs a value: --port N");
  expectOneClearError(await run(["record", "--port", "many"]), "--port", "many", "whole number from 0 to 65535");
  expectOneClearError(await run(["record", "now"]), 'unexpected word "now"');
  expectOneClearError(await run(["demo", "--speed", "fast", "--data", "x"]), '--speed "fast"', "number from");
});

test("help and version work without a config, and each command's help has its flags and examples", async () => {
  expect((await run(["--version"])).output).toMatch(/^rt-data \d+\.\d+\.\d+(\+\S+)?\n$/);
  const help = await run([]);
  expect(help).toMatchObject({ code: 0, errors: "" });
  for (const command of ["record", "demo", "ls", "cat", "export", "verify"]) {
    expect(help.output).toContain(command);
    const own = await run([command, "--help"]);
    expect(own.code).toBe(0);
    expect(own.output).toContain("--data-dir DIR");
    expect(own.output).toContain("Examples");
    expect((await run(["help", command])).output).toBe(own.output);
  }
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} seals everything and exits 0 within 10 s`, async () => {
    const folder = join(temporaryFolder(), "data");
    const program = start([...rtData, ...demo, "--data-dir", folder], { env });
    const url = await program.url();
    const status = async () => (await (await fetch(`${url}/api/status`)).json()) as Status;
    await until(async () => (await status()).totals.records > 50, "records");
    // On a busy machine the segments of yesterday would need the whole time of the stop.
    await until(async () => (await status()).archive.segments_waiting === 0, "yesterday to be sealed", 30_000);
    const asked = performance.now();
    program.kill(signal);
    expect(await program.ended).toBe(0);
    expect(performance.now() - asked).toBeLessThan(10_000);
    const left = [...new Bun.Glob("**/*").scanSync(folder)];
    expect(left.filter((file) => file.endsWith(".jsonl") || file.includes("tmp") || file.endsWith(".lock"))).toEqual(
      [],
    );
    expect(left.filter((file) => file.endsWith(".jsonl.zst")).length).toBeGreaterThan(0);
  }, 60_000);
}

test("a second signal ends the process at once", async () => {
  const program = start([...rtData, ...demo, "--data-dir", join(temporaryFolder(), "data")], { env });
  await program.url();
  program.kill("SIGSTOP");
  program.kill("SIGTERM");
  program.kill("SIGINT");
  program.kill("SIGCONT");
  expect([130, 143]).toContain(Number(await program.ended));
}, 60_000);

test("a second recorder on the same folder is refused, the first goes on", async () => {
  const folder = join(temporaryFolder(), "data");
  const first = start([...rtData, ...demo, "--data-dir", folder], { env });
  const url = await first.url();
  expectOneClearError(await run([...demo, "--data-dir", folder]), "another recorder", `process ${first.pid}`);
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
  first.kill("SIGTERM");
  expect(await first.ended).toBe(0);
}, 60_000);
