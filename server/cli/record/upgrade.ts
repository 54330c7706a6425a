import { resolve } from "node:path";
import { codeOf, messageOf, OperatorError } from "../../platform/errors.ts";
import { readFileSync } from "../../platform/files/files.ts";
import { recorderOf } from "../../storage/lock/data-folder.ts";
import { readUpgradeReport, type UpgradeReport } from "../../upgrade/report.ts";
import type { Command } from "../framework/command.ts";
import { dataDirOf, settingFlags } from "../framework/config-flags.ts";

/** How often is looked whether it is done, ms. */
const lookMs = 100;

/** Longer than a recorder may take in all, ms. */
const mostMs = 240_000;

/** SIGUSR2 in the kernel's masks. */
const signalBit = 1n << 11n;

/** `rt-data upgrade` */
export const upgrade: Command = {
  name: "upgrade",
  summary: "let the running recorder hand over to the executable that now lies in its place, without a gap",
  flags: { config: settingFlags.config as never, "data-dir": settingFlags["data-dir"] as never },
  examples: [
    ["rt-data upgrade", "after a new version was put where the running one was started from"],
    ["rt-data upgrade --data-dir /srv/rt-data", "the recorder of this data folder"],
  ],
  notes: [
    "The new process receives beside the running one until all streams come there, then records in its place; the running one ends.",
    "If the new one cannot, the running one records on. Exit codes: 0 done, 1 not done, and why, 2 there is none to be asked.",
    "The same by hand: SIGUSR2 to the recorder.",
  ],
  async run(flags, { print, stop }) {
    const dataDir = resolve(dataDirOf(flags));
    const pid = recorderToAsk(dataDir);
    const sinceMs = Date.now();
    try {
      process.kill(pid, "SIGUSR2");
    } catch (error) {
      if (codeOf(error) !== "EPERM") throw error;
      throw new OperatorError(
        `this user may not signal the recorder (process ${pid}); run it as the recorder's user or as root`,
        { cause: error },
      );
    }
    const report = await reportOf(pid, dataDir, sinceMs, stop);
    if (report === null) {
      process.stderr.write(`rt-data: the recorder (process ${pid}) has not said what became of it; see its log\n`);
      return 1;
    }
    return tell(report, print);
  },
};

function recorderToAsk(dataDir: string): number {
  const recorder = recorderOf(dataDir);
  if (recorder === null) {
    throw new OperatorError(
      `no recorder of this machine is recording into ${dataDir}. Name its folder by --data-dir or --config`,
    );
  }
  if (recorder.use === "demo") throw new OperatorError("a demo cannot hand over; stop it and start it anew");
  // One that does not know the signal would die of it.
  if (!catchesSignal(recorder.pid)) {
    throw new OperatorError(
      `the recorder (process ${recorder.pid}) is of a version that cannot hand over; stop it and start the new one`,
    );
  }
  return recorder.pid;
}

function catchesSignal(pid: number): boolean {
  try {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return caught !== undefined && (BigInt(`0x${caught}`) & signalBit) !== 0n;
  } catch (error) {
    throw new OperatorError(`cannot look at the recorder (process ${pid}): ${messageOf(error)}`, { cause: error });
  }
}

async function reportOf(
  pid: number,
  dataDir: string,
  sinceMs: number,
  stop: AbortSignal,
): Promise<UpgradeReport | null> {
  const deadline = performance.now() + mostMs;
  while (performance.now() < deadline && !stop.aborted) {
    const report = readUpgradeReport(dataDir);
    if (report !== null && report.pid === pid && report.atMs >= sinceMs) return report;
    // A process that has ended has written its report before.
    const isGone = recorderOf(dataDir) === null && !isThere(pid);
    if (isGone) return null;
    await Bun.sleep(lookMs);
  }
  return null;
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

function tell({ pid, from, tookMs, result }: UpgradeReport, print: (line: string) => void): number {
  if (result.kind === "handed_over") {
    const seconds = (tookMs / 1000).toFixed(1);
    print(
      `${result.version} (process ${result.pid}) has taken over from ${from} (process ${pid}) in ${seconds} s; the page was away for ${result.withoutPageMs} ms`,
    );
    return 0;
  }
  const state = result.restarted
    ? "It failed half-way, and the running version has started anew, which is a gap"
    : `The running version (process ${pid}) records on; nothing is missing`;
  process.stderr.write(`rt-data: not upgraded: ${result.reason}. ${state}\n`);
  return 1;
}
