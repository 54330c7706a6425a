import { expect, test } from "bun:test";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLog } from "../../../server/platform/log/log.ts";
import { temporaryFolder } from "../../support/folder.ts";

const root = join(import.meta.dir, "../../..");
const time = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /;

function lines(options: Partial<Parameters<typeof createLog>[0]> = {}) {
  const written: string[] = [];
  const log = createLog({ level: "debug", format: "text", color: false, ...options }, (line) => written.push(line));
  return { log, written };
}

const hostile = 'first\nsecond\r\u001b[31mred\u0007\u2028third\u009b2J "quoted"';

for (const format of ["text", "json"] as const) {
  test(`${format}: an event is one line without control characters, for every quoted text, and bounded in length`, () => {
    const { log, written } = lines({ format });
    log.warn(hostile, { reason: hostile, other: "a b" });
    log.error("x".repeat(1e6), { reason: `${"y".repeat(1999)}😀${"z".repeat(1e6)}` });
    for (const line of written) {
      expect(line.match(/\n/g)).toHaveLength(1);
      expect(line).toEndWith("\n");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters must not appear
      expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      expect(line.isWellFormed()).toBe(true);
      expect(line.length).toBeLessThan(5000);
    }
    expect(written[1]).toContain("… (1000000 characters)");
    expect(written[1]).toContain("… (1002001 characters)");
  });
}

test("JSON reads back as it was logged, and a field cannot replace time, level or message", () => {
  const { log, written } = lines({ format: "json" });
  log.warn(hostile, { reason: hostile, level: 19, none: null, left_out: undefined });
  const { time: at, ...event } = JSON.parse(written[0] ?? "");
  expect(event).toEqual({ level: "warn", message: hostile, reason: hostile, level_: 19, none: null });
  expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(60_000);
});

test("text shows time, level, message and values, and quotes only ambiguous values", () => {
  const { log, written } = lines();
  log.info("connected", { host: "a:9443", reason: "timed out", none: "", records: 3, known: true });
  expect(written[0]?.replace(time, "")).toBe(
    'info  connected host=a:9443 reason="timed out" none="" records=3 known=true\n',
  );
});

test("events below the level are dropped, and the level can change while the log is in use", () => {
  const { log, written } = lines({ level: "warn" });
  log.info("1");
  log.warn("2");
  log.setLevel("debug");
  log.debug("3");
  log.setLevel("error");
  log.warn("4");
  expect(written.map((line) => line.replace(time, "").trim())).toEqual(["warn  2", "debug 3"]);
});

/** Arguments of a process that logs one event at every level; its standard error is a file. */
const loggingProgram = (isTerminal: boolean) => [
  "-e",
  `const { terminalLog } = await import(${JSON.stringify(join(root, "server/cli/framework/terminal-log.ts"))});
  const log = terminalLog({ level: "debug", format: "auto" }, { isInteractive: ${isTerminal} });
  for (const level of ["debug", "info", "warn", "error"]) log[level]("said\\ntwice", { a: 1 });`,
];

/** Arguments of the program with a value that it rejects. */
const failingProgram = [join(root, "server/main.ts"), "record", "--port", "x"];

/** Runs a program and returns the lines on standard error. `isJournal` pretends that systemd's journal reads them. */
function errorsOf(words: readonly string[], isJournal: boolean, environment: Record<string, string> = {}): string[] {
  const folder = temporaryFolder();
  const path = join(folder, "stderr");
  const descriptor = openSync(path, "w");
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  const env = { ...environment, JOURNAL_STREAM: isJournal ? `${dev}:${ino}` : "1:1" };
  Bun.spawnSync([process.execPath, ...words], { cwd: folder, env, stdio: ["ignore", "ignore", descriptor] });
  closeSync(descriptor);
  return readFileSync(path, "utf8").trimEnd().split("\n");
}

test("if systemd's journal reads standard error, each line is JSON with a priority prefix, startup errors included", () => {
  const entries = errorsOf(loggingProgram(false), true).map((line) => [
    line.slice(0, 3),
    JSON.parse(line.slice(3)).level,
  ]);
  expect(entries).toEqual([
    ["<7>", "debug"],
    ["<6>", "info"],
    ["<4>", "warn"],
    ["<3>", "error"],
  ]);
  const failure = errorsOf(failingProgram, true);
  expect(failure.length).toBeGreaterThan(1);
  for (const line of failure) expect(line).toStartWith("<3>");
});

test("a journal variable inherited from a service is ignored: the log is text without priorities", () => {
  expect(errorsOf(loggingProgram(false), false)[0]?.replace(time, "")).toBe("debug said\\ntwice a=1");
  expect(errorsOf(failingProgram, false)[0]).toStartWith("rt-data: ");
});

test("only terminals get colours, and NO_COLOR and TERM=dumb turn them off", () => {
  const isColored = (isTerminal: boolean, environment: Record<string, string> = {}) =>
    errorsOf(loggingProgram(isTerminal), false, environment)[2]?.includes("\u001b[33mwarn") ?? false;
  expect(isColored(true)).toBe(true);
  expect(isColored(false)).toBe(false);
  expect(isColored(true, { NO_COLOR: "1" })).toBe(false);
  expect(isColored(true, { NO_COLOR: "" })).toBe(true);
  expect(isColored(true, { TERM: "dumb" })).toBe(false);
});
