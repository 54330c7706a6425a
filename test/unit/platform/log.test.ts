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

const evil = 'first\nsecond\r\u001b[31mred\u0007\u2028third\u009b2J "quoted"';

for (const format of ["text", "json"] as const) {
  test(`${format}: an event is one line without control characters, whatever it quotes, and bounded in length`, () => {
    const { log, written } = lines({ format });
    log.warn(evil, { reason: evil, other: "a b" });
    log.error("x".repeat(1e6), { reason: `${"y".repeat(1999)}😀${"z".repeat(1e6)}` });
    for (const line of written) {
      expect(line.match(/\n/g)).toHaveLength(1);
      expect(line).toEndWith("\n");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
      expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      expect(line.isWellFormed()).toBe(true);
      expect(line.length).toBeLessThan(5000);
    }
    expect(written[1]).toContain("… (1000000 characters)");
    expect(written[1]).toContain("… (1002001 characters)");
  });
}

test("JSON can be read back as it was said, and a field cannot take the place of time, level or message", () => {
  const { log, written } = lines({ format: "json" });
  log.warn(evil, { reason: evil, level: 19, none: null, left_out: undefined });
  const { time: at, ...event } = JSON.parse(written[0] ?? "");
  expect(event).toEqual({ level: "warn", message: evil, reason: evil, level_: 19, none: null });
  expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(60_000);
});

test("text names time, level, message and values, which are quoted only where that makes them clear", () => {
  const { log, written } = lines();
  log.info("connected", { host: "a:9443", reason: "timed out", none: "", records: 3, known: true });
  expect(written[0]?.replace(time, "")).toBe(
    'info  connected host=a:9443 reason="timed out" none="" records=3 known=true\n',
  );
});

test("what is below the level is dropped, and the level can be changed while the log is in use", () => {
  const { log, written } = lines({ level: "warn" });
  log.info("1");
  log.warn("2");
  log.setLevel("debug");
  log.debug("3");
  log.setLevel("error");
  log.warn("4");
  expect(written.map((line) => line.replace(time, "").trim())).toEqual(["warn  2", "debug 3"]);
});

/** Says something at every level in a process of its own, whose standard error is a file. */
const saying = (isTerminal: boolean) => [
  "-e",
  `const { terminalLog } = await import(${JSON.stringify(join(root, "server/cli/framework/terminal-log.ts"))});
  const log = terminalLog({ level: "debug", format: "auto" }, { isInteractive: ${isTerminal} });
  for (const level of ["debug", "info", "warn", "error"]) log[level]("said\\ntwice", { a: 1 });`,
];

/** The program, with a setting that it does not accept. */
const failing = [join(root, "server/main.ts"), "record", "--port", "x"];

/** What a program has written to standard error, by lines; `isJournal`: as if that were systemd's journal. */
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

test("where systemd's journal reads standard error, each line is JSON behind its priority, errors of the start included", () => {
  const said = errorsOf(saying(false), true).map((line) => [line.slice(0, 3), JSON.parse(line.slice(3)).level]);
  expect(said).toEqual([
    ["<7>", "debug"],
    ["<6>", "info"],
    ["<4>", "warn"],
    ["<3>", "error"],
  ]);
  const failure = errorsOf(failing, true);
  expect(failure.length).toBeGreaterThan(1);
  for (const line of failure) expect(line).toStartWith("<3>");
});

test("a variable that was handed down by a service does not make a journal: text without priorities", () => {
  expect(errorsOf(saying(false), false)[0]?.replace(time, "")).toBe("debug said\\ntwice a=1");
  expect(errorsOf(failing, false)[0]).toStartWith("rt-data: ");
});

test("colours are for terminals only, and NO_COLOR and a dumb terminal are heeded", () => {
  const isColored = (isTerminal: boolean, environment: Record<string, string> = {}) =>
    errorsOf(saying(isTerminal), false, environment)[2]?.includes("\u001b[33mwarn") ?? false;
  expect(isColored(true)).toBe(true);
  expect(isColored(false)).toBe(false);
  expect(isColored(true, { NO_COLOR: "1" })).toBe(false);
  expect(isColored(true, { NO_COLOR: "" })).toBe(true);
  expect(isColored(true, { TERM: "dumb" })).toBe(false);
});
