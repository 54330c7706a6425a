import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { OperatorError } from "../../../server/platform/errors.ts";
import { recorderOf, takeDataFolder } from "../../../server/storage/lock/data-folder.ts";
import { temporaryFolder } from "../../support/folder.ts";

const script = `
  const { takeDataFolder } = await import(${JSON.stringify(join(import.meta.dir, "../../../server/storage/lock/data-folder.ts"))});
  try { takeDataFolder(process.argv[1], "record"); console.log("taken"); } catch (error) { console.log(error.message); }
  await new Promise((resolve) => process.stdin.once("data", resolve));
`;

async function startLockingProcess(folder: string) {
  const child = Bun.spawn([process.execPath, "-e", script, folder], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  return { child, output: new TextDecoder().decode(value).trim() };
}

test("a second recorder on the same folder is refused, and the error names the process and what to do", async () => {
  const folder = temporaryFolder();
  const first = await startLockingProcess(folder);
  expect(first.output).toBe("taken");
  expect(() => takeDataFolder(folder, "record")).toThrow(
    `another recorder (process ${first.child.pid} on ${hostname()}) is recording into ${folder}. Stop it first, or choose another folder with --data-dir`,
  );
  first.child.kill("SIGKILL");
  await first.child.exited;
  takeDataFolder(folder, "record").release();
});

test("a lock from before a reboot, or with a pid that was reused, does not block a recorder", () => {
  const folder = temporaryFolder();
  const host = hostname();
  writeFileSync(join(folder, "rt-data.lock"), JSON.stringify({ pid: process.ppid, started: "another-boot/1", host }));
  takeDataFolder(folder, "record").release();
  writeFileSync(join(folder, "rt-data.lock"), "torn {");
  takeDataFolder(folder, "record").release();
  expect(readdirSync(folder)).toEqual([]);
});

test("the lock file of a dead recorder on another host does not block a recorder, whichever version wrote it", () => {
  const folder = temporaryFolder();
  for (const kernel of [undefined, true]) {
    writeFileSync(join(folder, "rt-data.lock"), JSON.stringify({ pid: 1, started: null, host: "elsewhere", kernel }));
    takeDataFolder(folder, "record").release();
  }
});

test("a recorder in a sandbox that sees another boot id is found for an upgrade, but another process with its pid is not", async () => {
  const folder = temporaryFolder();
  const { child } = await startLockingProcess(folder);
  const lock = join(folder, "rt-data.lock");
  const own = readFileSync(lock, "utf8");
  expect(recorderOf(folder)).toMatchObject({ pid: child.pid });
  const elsewhere = own.replaceAll(/[0-9a-f-]{36}\//g, "0-0/");
  expect(elsewhere).not.toBe(own);
  writeFileSync(lock, elsewhere);
  expect(recorderOf(folder)).toMatchObject({ pid: child.pid });
  writeFileSync(lock, elsewhere.replace(/("started":"0-0\/)\d+/, "$11"));
  expect(recorderOf(folder)).toBeNull();
  child.kill();
  await child.exited;
});

test("a running recorder of version 0.1.0, which has no kernel lock, keeps its folder", async () => {
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

test("invented and recorded data are never mixed in a folder", () => {
  const recorded = temporaryFolder();
  mkdirSync(join(recorded, "live"));
  expect(() => takeDataFolder(recorded, "demo")).toThrow("holds recorded data");
  const invented = temporaryFolder();
  takeDataFolder(invented, "demo").release();
  mkdirSync(join(invented, "live"));
  takeDataFolder(invented, "demo").release();
  expect(() => takeDataFolder(invented, "record")).toThrow("invented data");
});

test("a folder that cannot be created is an operator error that says where and what to do", () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  expect(() => takeDataFolder(join(file, "data"), "record")).toThrow(OperatorError);
  expect(() => takeDataFolder(join(file, "data"), "record")).toThrow(/cannot use the data folder .*--data-dir/s);
});

const otherUserMissing =
  process.getuid?.() === 0 && Bun.which("setpriv") !== null
    ? ""
    : " (skipped: this user cannot switch to another user)";

test.skipIf(otherUserMissing !== "")(
  `a leftover lock file of another user, such as root, does not block a recorder${otherUserMissing}`,
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

test.skipIf(otherUserMissing !== "")(
  `a folder without write permission is refused for that reason, not as absent${otherUserMissing}`,
  async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o555);
    const words = ["setpriv", "--reuid=65534", "--clear-groups", process.execPath, "-e", script, folder];
    const child = Bun.spawn(words, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
    try {
      const { value } = await child.stdout.getReader().read();
      expect(new TextDecoder().decode(value)).toContain("permission denied (EACCES). Give this user write permission");
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  },
);
