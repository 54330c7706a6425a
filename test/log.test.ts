import { expect, test } from "bun:test";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLog } from "../server/log.ts";
import { temporaryFolder } from "./support/folder.ts";

const root = join(import.meta.dir, "..");
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

/** Says something at every level in a process of its own, and then fails; its standard error is a file. */
function sayIn(environment: Record<string, string>, withJournal: boolean): string[] {
  const folder = temporaryFolder();
  const path = join(folder, "stderr");
  const descriptor = openSync(path, "w");
  const { dev, ino } = fstatSync(descriptor, { bigint: true });
  const journal = withJournal ? `${dev}:${ino}` : "1:1";
  const script = `
    const { terminalLog } = await import(${JSON.stringify(join(root, "server/commands/terminal-log.ts"))});
    const log = terminalLog({ level: "debug", format: "auto" }, { isInteractive: ${environment.TTY === "1"} });
    for (const level of ["debug", "info", "warn", "error"]) log[level]("said\\ntwice", { a: 1 });`;
  const env = { ...environment, JOURNAL_STREAM: journal };
  Bun.spawnSync([process.execPath, "-e", script], { cwd: folder, env, stdio: ["ignore", "ignore", descriptor] });
  const wrong = [process.execPath, join(root, "server/main.ts"), "record", "--port", "x", "--host", ""];
  Bun.spawnSync(wrong, { cwd: folder, env, stdio: ["ignore", "ignore", descriptor] });
  closeSync(descriptor);
  return readFileSync(path, "utf8").trimEnd().split("\n");
}

test("where systemd's journal reads standard error, each line is JSON behind its priority, errors of the start included", () => {
  const [debug, info, warn, error, ...failure] = sayIn({}, true);
  const said = [debug, info, warn, error].map((line) => [line?.slice(0, 3), JSON.parse(line?.slice(3) ?? "").level]);
  expect(said).toEqual([
    ["<7>", "debug"],
    ["<6>", "info"],
    ["<4>", "warn"],
    ["<3>", "error"],
  ]);
  expect(failure.length).toBeGreaterThan(1);
  for (const line of failure) expect(line).toStartWith("<3>");
});

test("a variable that was handed down by a service does not make a journal: text without priorities", () => {
  const [debug, , , , failure] = sayIn({}, false);
  expect(debug?.replace(time, "")).toBe("debug said\\ntwice a=1");
  expect(failure).toStartWith("rt-data: ");
});

test("colours are for terminals only, and NO_COLOR and a dumb terminal are heeded", () => {
  const isColored = (env: Record<string, string>) => sayIn(env, false)[2]?.includes("\u001b[33mwarn") ?? false;
  expect(isColored({ TTY: "1" })).toBe(true);
  expect(isColored({ TTY: "0" })).toBe(false);
  expect(isColored({ TTY: "1", NO_COLOR: "1" })).toBe(false);
  expect(isColored({ TTY: "1", NO_COLOR: "" })).toBe(true);
  expect(isColored({ TTY: "1", TERM: "dumb" })).toBe(false);
});
