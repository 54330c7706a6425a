import { afterAll, beforeAll, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archivePath } from "../../../server/domain/day.ts";
import { date, recordedFolder } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { mountAgain, mountMissing, mountSmallDisk, remount, unmountAll } from "../../support/machine/mounts.ts";
import { straceMissing, withFaults } from "../../support/machine/strace.ts";
import { rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { until } from "../../support/wait.ts";

let dataDir = "";
/** The file that every export here should give. */
let whole = "";
const trades = ["--stream", "aggTrade", "--symbol", "BTCUSDT"];
const wordsTo = (out: string, ...words: string[]) => [
  "export",
  "--data-dir",
  dataDir,
  ...trades,
  "--out",
  out,
  ...words,
];
const exportTo = (out: string, ...words: string[]) => run(wordsTo(out, ...words));
/** `"$@"` is the export. */
const inShell = (script: string, out: string, cwd: string) =>
  start(["bash", "-c", script, "bash", ...rtData, ...wordsTo(out, "--format", "csv")], { cwd });

beforeAll(async () => {
  dataDir = await recordedFolder();
  const out = join(temporaryFolder(), "whole.csv");
  await exportTo(out);
  whole = readFileSync(out, "utf8");
  expect(whole.split("\n")).toHaveLength(1602);
});
afterAll(unmountAll);

/** An export that has written everything and stops before it puts its file in place, until `goOn`. */
async function heldExport(out: string) {
  const program = start(withFaults(["fsync:signal=SIGSTOP:when=1"], [], [...rtData, ...wordsTo(out)]));
  const pid = () =>
    Number(
      spawnSync("pgrep", ["-P", String(program.pid)])
        .stdout.toString()
        .trim(),
    );
  const isHeld = () => pid() > 0 && /^State:\s*[tT]/m.test(readFileSync(`/proc/${pid()}/status`, "utf8"));
  // strace stops it for a moment now and then besides.
  let held = 0;
  await until(
    () => {
      held = readdirSync(join(out, "..")).some((name) => name.endsWith(".tmp")) && isHeld() ? held + 1 : 0;
      return held > 5;
    },
    "the export to stop before its end",
    20_000,
  );
  return { ended: program.ended, goOn: () => process.kill(pid(), "SIGCONT") };
}

test.skipIf(straceMissing !== "")(
  `two exports into one file at once each put a whole file in place${straceMissing}`,
  async () => {
    const folder = temporaryFolder();
    const out = join(folder, "trades.csv");
    const held = await heldExport(out);
    expect(await exportTo(out)).toMatchObject({ code: 0 });
    expect(readFileSync(out, "utf8") === whole).toBe(true);
    expect(readdirSync(folder)).toHaveLength(2);
    held.goOn();
    expect(await held.ended).toBe(0);
    expect(readFileSync(out, "utf8") === whole).toBe(true);
    expect(readdirSync(folder)).toEqual(["trades.csv"]);
  },
  30_000,
);

test.skipIf(straceMissing !== "")(
  `what a killed export leaves is no table to anybody, and the next export removes it${straceMissing}`,
  async () => {
    const folder = temporaryFolder();
    const out = join(folder, "trades.csv");
    writeFileSync(out, "good");
    const killed = start(withFaults(["fsync:signal=SIGKILL"], [], [...rtData, ...wordsTo(out)]));
    expect(await killed.ended).not.toBe(0);
    const [leftover = ""] = readdirSync(folder).filter((name) => name !== "trades.csv");
    expect(leftover).toMatch(/^\.rt-data-export-\w+\.tmp$/);
    expect(readFileSync(out, "utf8")).toBe("good");
    expect((await exportTo(join(folder, "other.csv"))).code).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(["other.csv", "trades.csv"]);
  },
  30_000,
);

test("a FIFO is written to and stays one, whatever the format", async () => {
  const folder = temporaryFolder();
  const fifo = join(folder, "pipe");
  spawnSync("mkfifo", [fifo]);
  const shell = inShell('cat pipe > got & "$@"; code=$?; wait; exit $code', "pipe", folder);
  expect(await shell.ended).toBe(0);
  expect(readFileSync(join(folder, "got"), "utf8") === whole).toBe(true);
  const packed = start(
    [
      "bash",
      "-c",
      'cat pipe > got & "$@"; code=$?; wait; exit $code',
      "bash",
      ...rtData,
      ...wordsTo("pipe", "--format", "parquet"),
    ],
    { cwd: folder },
  );
  expect(await packed.ended).toBe(0);
  expect(readFileSync(join(folder, "got")).subarray(-4).toString()).toBe("PAR1");
  expect(lstatSync(fifo).isFIFO()).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(["got", "pipe"]);
}, 60_000);

test("standard output, by each of its names, gets only the rows; standard error gets the report with --json", async () => {
  for (const out of ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]) {
    const { code, output, errors } = await exportTo(out, "--format", "csv");
    expect({ out, code, isWhole: output === whole, errors }).toEqual({
      ...{ out, code: 0, isWhole: true },
      errors: "",
    });
  }
  const { output, errors } = await exportTo("-", "--format", "csv", "--json");
  expect(output === whole).toBe(true);
  expect(JSON.parse(errors)).toMatchObject([{ path: "-", rows: 1600 }]);
  const folder = temporaryFolder();
  writeFileSync(join(folder, "log"), "before\n");
  // A file that a shell has opened is written to where the shell stands in it.
  expect(await inShell('"$@" >> log', "/dev/stdout", folder).ended).toBe(0);
  expect(readFileSync(join(folder, "log"), "utf8") === `before\n${whole}`).toBe(true);
  const substituted = start(
    [
      "bash",
      "-c",
      `"$@" --out >(cat > got); code=$?; until [ "$(wc -c < got)" -ge ${whole.length} ]; do sleep 0.05; done; exit $code`,
      "bash",
    ].concat(rtData, wordsTo("-", "--format", "csv").slice(0, -4), ["--format", "csv"]),
    { cwd: folder },
  );
  expect(await substituted.ended).toBe(0);
  expect(readFileSync(join(folder, "got"), "utf8") === whole).toBe(true);
  expect(await inShell('"$@" | head -1 > first; exit "$PIPESTATUS"', "-", folder).ended).toBe(0);
}, 60_000);

/** Devices of our own, so that a program that replaces them does no harm: a sink, and a device that is always full. */
const devices = temporaryDevices();
function temporaryDevices(): { folder: string; missing: string } {
  const folder = mkdtempSync(join(tmpdir(), "rt-data-devices-"));
  const made = [
    spawnSync("mknod", [join(folder, "null.csv"), "c", "1", "3"]),
    spawnSync("mknod", [join(folder, "full.parquet"), "c", "1", "7"]),
  ];
  const isUsable =
    made.every(({ status }) => status === 0) && spawnSync("sh", ["-c", `: > ${folder}/null.csv`]).status === 0;
  return { folder, missing: isUsable ? "" : " (skipped: this user may not make devices)" };
}
afterAll(() => rmSync(devices.folder, { recursive: true, force: true }));

test.skipIf(devices.missing !== "")(
  `a device is written to and stays a device, and a full device is an error${devices.missing}`,
  async () => {
    const { folder } = devices;
    expect(await exportTo(join(folder, "null.csv"))).toMatchObject({ code: 0, errors: "" });
    const full = await exportTo(join(folder, "full.parquet"));
    expect([full.code, full.output]).toEqual([1, ""]);
    expect(full.errors).toContain("full.parquet: the disk is full (ENOSPC)");
    expect(readdirSync(folder).sort()).toEqual(["full.parquet", "null.csv"]);
    for (const name of readdirSync(folder)) expect(lstatSync(join(folder, name)).isCharacterDevice()).toBe(true);
  },
  20_000,
);

test("for a symbolic link, its target is replaced, in the target's folder and with its mode; the links stay", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "far"));
  const real = join(folder, "far/real.csv");
  writeFileSync(real, "old");
  chmodSync(real, 0o600);
  if (process.getuid?.() === 0) chownSync(real, 4711, 4712);
  symlinkSync("far/real.csv", join(folder, "near.csv"));
  symlinkSync("near.csv", join(folder, "link.csv"));
  symlinkSync("far/new.csv", join(folder, "dangling.csv"));
  symlinkSync("/dev/stdout", join(folder, "out.csv"));
  for (const name of ["link.csv", "dangling.csv"]) expect((await exportTo(join(folder, name))).code).toBe(0);
  expect(readFileSync(real, "utf8") === whole && readFileSync(join(folder, "far/new.csv"), "utf8") === whole).toBe(
    true,
  );
  expect(statSync(real).mode & 0o777).toBe(0o600);
  if (process.getuid?.() === 0) expect([statSync(real).uid, statSync(real).gid]).toEqual([4711, 4712]);
  expect(["near.csv", "link.csv", "dangling.csv"].every((name) => lstatSync(join(folder, name)).isSymbolicLink())).toBe(
    true,
  );
  expect((await exportTo(join(folder, "out.csv"))).output).toStartWith("recv_us,");
  expect(readdirSync(join(folder, "far")).sort()).toEqual(["new.csv", "real.csv"]);
  symlinkSync("loop.csv", join(folder, "loop.csv"));
  expect(await exportTo(join(folder, "loop.csv"))).toMatchObject({
    code: 2,
    errors: expect.stringContaining("loop.csv"),
  });
}, 60_000);

test("a folder at the place of an output file is named, and existing files stay", async () => {
  const folder = temporaryFolder();
  const day = join(folder, `stream=aggTrade/symbol=BTCUSDT/date=${date}`);
  mkdirSync(join(day, `BTCUSDT-aggTrade-${date}.csv`), { recursive: true });
  const ran = await exportTo(folder, "--format", "csv", "--from", date, "--to", "2026-11-22");
  expect(ran).toMatchObject({ code: 2, errors: expect.stringContaining("it is a folder") });
  expect(readdirSync(day)).toEqual([`BTCUSDT-aggTrade-${date}.csv`]);
  writeFileSync(join(folder, "file"), "");
  const below = await exportTo(join(folder, "file/a.csv"));
  expect(below).toMatchObject({ code: 2, errors: expect.stringContaining("cannot write") });
}, 60_000);

test("a recorded archive is not replaced by an export", async () => {
  const archive = archivePath(dataDir, { stream: "aggTrade", symbol: "BTCUSDT", date });
  const before = readFileSync(archive);
  const ran = await exportTo(archive, "--format", "csv");
  expect(ran).toMatchObject({ code: 2, output: "", errors: expect.stringContaining("belongs to the recorder") });
  expect(readFileSync(archive).equals(before)).toBe(true);
});

test.skipIf(mountMissing !== "")(
  `a read-only folder and a disk that fills up in the middle: an error, the good file stays, no partial file is left${mountMissing}`,
  async () => {
    const disk = mountSmallDisk("100k");
    const good = join(disk, "good.csv");
    writeFileSync(good, "good");
    const full = await exportTo(good);
    expect(full).toMatchObject({ code: 1, output: "", errors: expect.stringContaining("ENOSPC") });
    const below = await exportTo(join(disk, "new/folder/a.csv"));
    expect(below).toMatchObject({ code: 1, errors: expect.stringContaining("ENOSPC") });
    expect([readdirSync(disk), readFileSync(good, "utf8")]).toEqual([["good.csv"], "good"]);
    const readOnly = mountAgain(temporaryFolder());
    writeFileSync(join(readOnly, "good.csv"), "good");
    remount(readOnly, "ro", "bind");
    const refused = await exportTo(join(readOnly, "good.csv"));
    expect(refused).toMatchObject({
      code: 1,
      output: "",
      errors: expect.stringContaining("the file system is read-only (EROFS)"),
    });
    expect([readdirSync(readOnly), readFileSync(join(readOnly, "good.csv"), "utf8")]).toEqual([["good.csv"], "good"]);
  },
  20_000,
);

test.skipIf(straceMissing !== "")(
  `an export that is stopped while it reads says so and leaves no file, cat likewise${straceMissing}`,
  async () => {
    const folder = temporaryFolder();
    const out = join(folder, "good.csv");
    writeFileSync(out, "good");
    const archive = archivePath(dataDir, { stream: "aggTrade", symbol: "BTCUSDT", date });
    for (const words of [wordsTo(out), ["cat", "--data-dir", dataDir, ...trades, "--from", date]]) {
      const trace = join(folder, "trace");
      const slow = withFaults(["read,pread64:delay_enter=1000000"], [archive], [...rtData, ...words], trace);
      const program = start(slow);
      const pid = () => Number(/^(\d+) /.exec(existsSync(trace) ? readFileSync(trace, "utf8") : "")?.[1] ?? 0);
      await until(() => pid() > 0, "the archive to be read", 30_000);
      process.kill(mainOf(pid()), "SIGINT");
      expect(await program.ended).toBe(1);
      expect([program.output(), program.errors().replace(/^.*good.csv was not written\n$/, "")]).toEqual(["", ""]);
      rmSync(trace);
    }
    expect([readdirSync(folder), readFileSync(out, "utf8")]).toEqual([["good.csv"], "good"]);
  },
  30_000,
);

/** The process that a thread belongs to. */
function mainOf(thread: number): number {
  return Number(/^Tgid:\s*(\d+)/m.exec(readFileSync(`/proc/${thread}/status`, "utf8"))?.[1]);
}

test("an export that waits for the reader of a FIFO handles signals", async () => {
  const folder = temporaryFolder();
  spawnSync("mkfifo", [join(folder, "pipe")]);
  const waiting = start([...rtData, ...wordsTo(join(folder, "pipe"), "--format", "csv")]);
  // It has read everything by the time that it waits.
  const waits = () => /pipe_|fifo_|wait_for_partner/.test(waitingPlaces(waiting.pid));
  await until(waits, "the export to wait for a reader", 30_000);
  waiting.kill("SIGINT");
  expect(await waiting.ended).toBe(1);
  expect(waiting.errors()).toContain("the export was stopped");
  expect(existsSync(join(folder, "pipe"))).toBe(true);
}, 60_000);

/** What the threads of a process wait for, by the kernel's names. */
function waitingPlaces(pid: number): string {
  return spawnSync("sh", [
    "-c",
    `cat /proc/${pid}/task/*/wchan 2>/dev/null; cat /proc/${pid}/task/*/syscall 2>/dev/null`,
  ])
    .stdout.toString()
    .replaceAll(/^(257|2|56) /gm, "wait_for_partner ");
}
