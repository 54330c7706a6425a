import { dirname, join, resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { ownSymbols } from "../../domain/shard.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { descriptorLimit } from "../../platform/files/descriptors.ts";
import { accessSync, constants, existsSync, statSync } from "../../platform/files/files.ts";
import { open, rm, statfs } from "../../platform/files/files-async.ts";
import { limitProblem } from "../../storage/descriptor-need.ts";
import { isDemoFolder, lockWeakness, recorderAt } from "../../storage/lock/data-folder.ts";
import { type CheckFinding, failed, ok, type Probe, skipped, warning } from "./finding.ts";

/** The data folder: there, writable, nobody else's, and on a disk that is fit for it. */
export const checkData: Probe = async (config) => {
  const { record } = config;
  const dataDir = resolve(record.data_dir);
  if (!existsSync(dataDir)) return [absent(dataDir), openFiles(config)];
  const findings = [holder(dataDir), locks(dataDir), owner(dataDir)];
  if (isDemoFolder(dataDir)) {
    const advice = "record into another folder: record.data_dir, or --data-dir";
    findings.unshift(failed("data.use", `${dataDir} holds the demo's invented data`, advice));
  }
  return [await writable(dataDir), ...findings, ownDisks(dataDir), await kindOfDisk(dataDir), openFiles(config)].filter(
    (f) => f !== null,
  );
};

function absent(dataDir: string): CheckFinding {
  let parent = dirname(dataDir);
  while (!existsSync(parent)) parent = dirname(parent);
  try {
    accessSync(parent, constants.W_OK);
    return ok("data.folder", `${dataDir} is not there yet, and will be made`);
  } catch {
    return failed(
      "data.folder",
      `${dataDir} is not there, and ${parent} cannot be written by this user`,
      `make it: sudo install -d -o rt-data -g rt-data -m 750 ${dataDir}`,
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
      ENOSPC: "the disk is full: free some room at once",
      EROFS: "the disk is mounted read-only: look into `dmesg` for its errors, then mount it anew",
      EACCES: `give it to the user that records: sudo chown -R rt-data:rt-data ${dataDir}; or run this by sudo`,
    };
    const code = codeOf(error) ?? "";
    return failed("data.folder", `${dataDir} cannot be written: ${messageOf(error)}`, advice[code] ?? "check the disk");
  }
  const ms = Math.round(performance.now() - began);
  if (ms > 1000) {
    return warning("data.folder", `${dataDir} takes ${ms} ms for one small file`, "the disk is slow or busy: check it");
  }
  return ok("data.folder", `${dataDir} can be written, and synced in ${ms} ms`);
}

function holder(dataDir: string): CheckFinding {
  const recorder = recorderAt(dataDir);
  if (recorder === null) return ok("data.recorder", "nobody records into it at present");
  return ok("data.recorder", `process ${recorder.pid} on ${recorder.host} is recording into it`);
}

/** Whether this process could open a file for each stream; a service has a limit of its own, in its unit. */
function openFiles({ record }: Config): CheckFinding {
  const [limit, streams] = [descriptorLimit(), ownSymbols(record).length * record.streams.length];
  const found = limitProblem(limit, streams);
  if (found !== null) return failed("data.files", found.problem, found.advice);
  return ok(
    "data.files",
    `${streams} streams can be open at once (${limit === Number.POSITIVE_INFINITY ? "no limit" : `limit ${limit}`})`,
  );
}

/** Whether the kernel keeps a second recorder out; what is taken cannot be tried. */
function locks(dataDir: string): CheckFinding | null {
  if (recorderAt(dataDir) !== null) return null;
  try {
    const reason = lockWeakness(dataDir);
    if (reason === null) return null;
    return warning(
      "data.lock",
      `the file system of ${dataDir} has no locks (${reason}): a second recorder is kept out by a weaker means`,
      "record on a disk of this machine; on NFS, let the server's lock service run and mount without nolock",
    );
  } catch (error) {
    return failed("data.lock", `${dataDir} cannot be locked: ${messageOf(error)}`, "see what it says");
  }
}

/** Files of another user than the folder's: somebody has recorded by hand as root, and the service cannot go on there. */
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

/** Archives and open segments may lie on file systems of their own, by a link or a mount. */
function ownDisks(dataDir: string): CheckFinding | null {
  const parts = ["live", "archive"].map((name) => join(dataDir, name)).filter((path) => existsSync(path));
  const other = parts.filter((path) => statSync(path).dev !== statSync(dataDir).dev);
  if (other.length === 0) return null;
  return ok("data.disk", `${other.join(", ")} lie on another file system than ${dataDir}; each is watched by itself`);
}

/** Of statfs(2): what is no disk of this machine. */
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

/** Whether the machine's clock is kept right by somebody, as the kernel knows it. */
export function clockDaemon(): CheckFinding {
  const advice = "let it be kept by NTP: sudo apt install chrony, or sudo timedatectl set-ntp true";
  if (Bun.which("timedatectl") === null) return skipped("clock.daemon", "there is no timedatectl to ask");
  const asked = Bun.spawnSync(["timedatectl", "show", "--property", "NTPSynchronized", "--value"], { timeout: 5000 });
  const answer = asked.stdout.toString().trim();
  if (answer === "yes") return ok("clock.daemon", "the clock is kept by NTP");
  if (answer === "no") return warning("clock.daemon", "nobody keeps the clock: not synchronized", advice);
  return skipped("clock.daemon", "timedatectl does not say (no systemd here?)");
}
