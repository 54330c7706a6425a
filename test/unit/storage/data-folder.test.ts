import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { OperatorError } from "../../../server/platform/errors.ts";
import { takeDataFolder } from "../../../server/storage/lock/data-folder.ts";
import { temporaryFolder } from "../../support/folder.ts";

const script = `
  const { takeDataFolder } = await import(${JSON.stringify(join(import.meta.dir, "../../../server/storage/lock/data-folder.ts"))});
  try { takeDataFolder(process.argv[1], "record"); console.log("taken"); } catch (error) { console.log(error.message); }
  await new Promise((resolve) => process.stdin.once("data", resolve));
`;

async function otherProcess(folder: string) {
  const child = Bun.spawn([process.execPath, "-e", script, folder], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  return { child, said: new TextDecoder().decode(value).trim() };
}

test("a second recorder on the same folder is refused, with the process that has it and what to do", async () => {
  const folder = temporaryFolder();
  const first = await otherProcess(folder);
  expect(first.said).toBe("taken");
  expect(() => takeDataFolder(folder, "record")).toThrow(
    `another recorder (process ${first.child.pid} on ${hostname()}) is recording into ${folder}. Stop it first, or give this one a folder of its own by --data-dir`,
  );
  first.child.kill("SIGKILL");
  await first.child.exited;
  takeDataFolder(folder, "record").release();
});

test("the lock of a recorder before a reboot, or of a pid that somebody else has now, is not in the way", () => {
  const folder = temporaryFolder();
  const host = hostname();
  writeFileSync(join(folder, "rt-data.lock"), JSON.stringify({ pid: process.ppid, started: "another-boot/1", host }));
  takeDataFolder(folder, "record").release();
  writeFileSync(join(folder, "rt-data.lock"), "torn {");
  takeDataFolder(folder, "record").release();
  expect(readdirSync(folder)).toEqual([]);
});

test("the lock file of a recorder on another host that is gone is not in the way, whichever version wrote it", () => {
  const folder = temporaryFolder();
  for (const kernel of [undefined, true]) {
    writeFileSync(join(folder, "rt-data.lock"), JSON.stringify({ pid: 1, started: null, host: "elsewhere", kernel }));
    takeDataFolder(folder, "record").release();
  }
});

test("a recorder of version 0.1.0 that still runs, and has no lock of the kernel's, is not robbed", async () => {
  const folder = temporaryFolder();
  const child = Bun.spawn(["sleep", "60"]);
  const [, ticks] = /^.*\) \S(?: \S+){18} (\d+)/.exec(readFileSync(`/proc/${child.pid}/stat`, "utf8")) ?? [];
  const started = `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${ticks}`;
  writeFileSync(join(folder, "rt-data.lock"), JSON.stringify({ pid: child.pid, started, host: hostname() }));
  expect(() => takeDataFolder(folder, "record")).toThrow(`another recorder (process ${child.pid}`);
  child.kill();
  await child.exited;
  takeDataFolder(folder, "record").release();
});

test("invented and recorded data never get into one folder", () => {
  const recorded = temporaryFolder();
  mkdirSync(join(recorded, "live"));
  expect(() => takeDataFolder(recorded, "demo")).toThrow("holds recorded data");
  const invented = temporaryFolder();
  takeDataFolder(invented, "demo").release();
  mkdirSync(join(invented, "live"));
  takeDataFolder(invented, "demo").release();
  expect(() => takeDataFolder(invented, "record")).toThrow("invented data");
});

test("a folder that cannot be made is an operator's error that says where and what to do", () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  expect(() => takeDataFolder(join(file, "data"), "record")).toThrow(OperatorError);
  expect(() => takeDataFolder(join(file, "data"), "record")).toThrow(/cannot use the data folder .*--data-dir/s);
});

const otherUserMissing =
  process.getuid?.() === 0 && Bun.which("setpriv") !== null ? "" : " (skipped: this user may not become another one)";

test.skipIf(otherUserMissing !== "")(
  `a lock file that a recorder of another user has left behind, as root by hand, keeps none out${otherUserMissing}`,
  async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o777);
    writeFileSync(join(folder, "rt-data.lock"), '{"pid":1,"started":null,"host":"elsewhere"}', { mode: 0o600 });
    const words = ["setpriv", "--reuid=65534", "--clear-groups", process.execPath, "-e", script, folder];
    const child = Bun.spawn(words, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    try {
      const { value } = await child.stdout.getReader().read();
      expect(new TextDecoder().decode(value).trim()).toBe("taken");
      expect(() => takeDataFolder(folder, "record")).toThrow(`another recorder (process ${child.pid}`);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  },
);
