import { dirname, join, resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { ownSymbols } from "../../domain/symbols/shard.ts";
import { codeOf } from "../../platform/errors.ts";
import { descriptorLimit } from "../../platform/files/descriptors.ts";
import { accessSync, constants, existsSync, lstatSync, statSync } from "../../platform/files/files.ts";
import { open, rm, statfs } from "../../platform/files/files-async.ts";
import { reasonOf } from "../../platform/system-errors.ts";
import { limitProblem } from "../../storage/descriptor-need.ts";
import { isDemoFolder, lockWeakness, recorderAt } from "../../storage/lock/data-folder.ts";
import { type CheckFinding, failed, ok, type Probe, skipped, warning } from "./finding.ts";

/** Checks that the data folder exists, is writable, is not used by others, and lies on a suitable disk. */
export const checkData: Probe = async (config) => {
  const { record } = config;
  const dataDir = resolve(record.data_dir);
  const finding = withoutFolder(dataDir);
  if (finding !== null) return [finding, openFiles(config)];
  const findings = [holder(dataDir), locks(dataDir), owner(dataDir)];
  if (isDemoFolder(dataDir)) {
    const advice = "record into another folder: record.data_dir, or --data-dir";
    findings.unshift(failed("data.use", `${dataDir} holds simulated data of a demo`, advice));
  }
  return [await writable(dataDir), ...findings, ownDisks(dataDir), await kindOfDisk(dataDir), openFiles(config)].filter(
    (f) => f !== null,
  );
};

/** Returns the finding on a path that is not a folder, or does not exist yet. Null for a folder. */
function withoutFolder(dataDir: string): CheckFinding | null {
  const advice = "give another folder: record.data_dir, or --data-dir";
  try {
    if (statSync(dataDir).isDirectory()) return null;
    return failed("data.folder", `${dataDir} is a file, not a folder`, advice);
  } catch (error) {
    if (codeOf(error) === "ENOENT") {
      const isLink = lstatSync(dataDir, { throwIfNoEntry: false })?.isSymbolicLink();
      return isLink ? failed("data.folder", `${dataDir} is a link that leads nowhere`, advice) : absent(dataDir);
    }
    const rights = "run this command as the user that records, or with sudo";
    const isForbidden = codeOf(error) === "EACCES";
    return failed("data.folder", `cannot use ${dataDir}: ${reasonOf(error)}`, isForbidden ? rights : advice);
  }
}

function absent(dataDir: string): CheckFinding {
  let parent = dirname(dataDir);
  while (!existsSync(parent)) parent = dirname(parent);
  try {
    accessSync(parent, constants.W_OK);
    return ok("data.folder", `${dataDir} does not exist yet; the recorder will create it`);
  } catch {
    return failed(
      "data.folder",
      `${dataDir} does not exist, and this user cannot write to ${parent}`,
      `create it: sudo install -d -o rt-data -g rt-data -m 750 ${dataDir}`,
    );
  }
}

async function writable(dataDir: string): Promise<CheckFinding> {
  const probe = join(dataDir, `.check-${process.pid}.tmp`);
  const began = performance.now();
  try {
    const file = await open(probe, "w");
    try {
      await file.write("rt-data check\n");
      await file.sync();
    } finally {
      await file.close();
      await rm(probe, { force: true });
    }
  } catch (error) {
    const advice: Readonly<Record<string, string>> = {
      ENOSPC: "the disk is full: free some space now",
      EROFS: "the disk is mounted read-only: look for its errors in `dmesg`, then mount it again",
      EACCES: `give it to the user that records: sudo chown -R rt-data:rt-data ${dataDir}; or run this command with sudo`,
    };
    const code = codeOf(error) ?? "";
    return failed("data.folder", `cannot write to ${dataDir}: ${reasonOf(error)}`, advice[code] ?? "check the disk");
  }
  const ms = Math.round(performance.now() - began);
  if (ms > 1000) {
    return warning(
      "data.folder",
      `writing a small file to ${dataDir} took ${ms} ms`,
      "the disk is slow or busy: check it",
    );
  }
  return ok("data.folder", `${dataDir} is writable; writing and syncing a file took ${ms} ms`);
}

function holder(dataDir: string): CheckFinding {
  const recorder = recorderAt(dataDir);
  if (recorder === null) return ok("data.recorder", "no recorder is running in it");
  return ok("data.recorder", `process ${recorder.pid} on ${recorder.host} is recording into it`);
}

/** Checks whether this process may open a file for each stream. A service has its own limit, in its unit. */
function openFiles({ record }: Config): CheckFinding {
  const [limit, streams] = [descriptorLimit(), ownSymbols(record).length * record.streams.length];
  const finding = limitProblem(limit, streams);
  if (finding !== null) return failed("data.files", finding.problem, finding.advice);
  return ok(
    "data.files",
    `${streams} streams can be open at once (${limit === Number.POSITIVE_INFINITY ? "no limit" : `limit ${limit}`})`,
  );
}

/** Checks whether the file system's locks keep a second recorder out. Null if a recorder holds the lock now. */
function locks(dataDir: string): CheckFinding | null {
  if (recorderAt(dataDir) !== null) return null;
  try {
    const reason = lockWeakness(dataDir);
    if (reason === null) return null;
    return warning(
      "data.lock",
      `the file system of ${dataDir} has no locks (${reason}): only a weaker check keeps a second recorder out`,
      "record on a disk of this machine; on NFS, let the server's lock service run and mount without nolock",
    );
  } catch (error) {
    return failed("data.lock", `cannot lock ${dataDir}: ${reasonOf(error)}`, "solve what the message says");
  }
}

/** Checks that all files belong to the folder's owner. After a manual run as root, the service cannot write to root's files. */
function owner(dataDir: string): CheckFinding | null {
  const wanted = statSync(dataDir).uid;
  const strange = ["rt-data.sqlite", "journal", "live", "archive", "quarantine"].filter((name) => {
    const path = join(dataDir, name);
    return existsSync(path) && statSync(path).uid !== wanted;
  });
  if (strange.length === 0) return null;
  return failed(
    "data.owner",
    `${strange.join(", ")} in ${dataDir} belong to another user than the folder`,
    `give all of it to one user: sudo chown -R --reference=${dataDir} ${dataDir}`,
  );
}

/** Reports archives or segments that lie on another file system than the folder, by a link or a mount. */
function ownDisks(dataDir: string): CheckFinding | null {
  const parts = ["live", "archive"].map((name) => join(dataDir, name)).filter((path) => existsSync(path));
  const other = parts.filter((path) => statSync(path).dev !== statSync(dataDir).dev);
  if (other.length === 0) return null;
  return ok("data.disk", `${other.join(", ")} lie on another file system than ${dataDir}; each is watched by itself`);
}

/** File system types of statfs(2) that are not a local disk. */
const kinds: Readonly<Record<number, string>> = {
  26985: "NFS",
  4283649346: "SMB",
  4266872130: "SMB",
  1702057286: "FUSE",
  16914836: "memory (tmpfs)",
};

async function kindOfDisk(dataDir: string): Promise<CheckFinding | null> {
  const { type } = await statfs(dataDir);
  const kind = kinds[type >>> 0];
  if (kind === undefined) return null;
  const advice = "record on a disk of this machine and let [upload] or a backup copy the archives";
  return warning("data.kind", `${dataDir} lies on ${kind}`, advice);
}

/** Checks whether NTP synchronises the machine's clock, as the kernel reports it. */
export function clockDaemon(): CheckFinding {
  const advice = "synchronise it by NTP: sudo apt install chrony, or sudo timedatectl set-ntp true";
  if (Bun.which("timedatectl") === null) return skipped("clock.daemon", "timedatectl is not installed");
  const asked = Bun.spawnSync(["timedatectl", "show", "--property", "NTPSynchronized", "--value"], { timeout: 5000 });
  const answer = asked.stdout.toString().trim();
  if (answer === "yes") return ok("clock.daemon", "NTP synchronises the clock");
  if (answer === "no") return warning("clock.daemon", "the clock is not synchronized", advice);
  return skipped("clock.daemon", "timedatectl gives no answer (no systemd here?)");
}
