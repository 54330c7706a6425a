import { resolve } from "node:path";
import { codeOf, messageOf, OperatorError } from "../../platform/errors.ts";
import { readFileSync } from "../../platform/files/files.ts";
import { recorderOf } from "../../storage/lock/data-folder.ts";
import { readUpgradeReport, type UpgradeReport } from "../../upgrade/report.ts";
import type { Command } from "../framework/command.ts";
import { dataDirOf, settingFlags } from "../framework/config-flags.ts";

/** Interval of the checks for the report, ms. */
const pollMs = 100;

/** Time limit of the whole upgrade, ms; longer than all time limits of the recorder together. */
const mostMs = 240_000;

/** SIGUSR2 in the kernel's masks. */
const signalBit = 1n << 11n;

/** `rt-data upgrade` */
export const upgrade: Command = {
  name: "upgrade",
  summary: "replace the running recorder by the new executable in its place, without a gap",
  flags: { config: settingFlags.config as never, "data-dir": settingFlags["data-dir"] as never },
  examples: [
    ["rt-data upgrade", "after you have replaced the executable by a new version"],
    ["rt-data upgrade --data-dir /srv/rt-data", "the recorder of this data folder"],
  ],
  notes: [
    "The new process receives beside the running one until it gets all streams. Then it records, and the old process ends.",
    "If the new process fails, the old one goes on recording. Exit codes: 0 done, 1 failed, 2 no recorder to upgrade.",
    "You can also send SIGUSR2 to the recorder.",
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
        `no permission to signal the recorder (process ${pid}); run this command as the recorder's user or as root`,
        { cause: error },
      );
    }
    const report = await reportOf(pid, dataDir, sinceMs, stop);
    if (report === null) {
      process.stderr.write(`rt-data: the recorder (process ${pid}) has not reported a result; see its log\n`);
      return 1;
    }
    return printReport(report, print);
  },
};

function recorderToAsk(dataDir: string): number {
  const recorder = recorderOf(dataDir);
  if (recorder === null) {
    throw new OperatorError(
      `no recorder on this machine records into ${dataDir}; give its folder by --data-dir or --config`,
    );
  }
  if (recorder.use === "demo") throw new OperatorError("a demo cannot be upgraded; stop it and start it again");
  // The signal would end a process that does not handle it.
  if (!catchesSignal(recorder.pid)) {
    throw new OperatorError(
      `the recorder (process ${recorder.pid}) has a version that cannot upgrade; stop it and start the new version`,
    );
  }
  return recorder.pid;
}

function catchesSignal(pid: number): boolean {
  try {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return caught !== undefined && (BigInt(`0x${caught}`) & signalBit) !== 0n;
  } catch (error) {
    throw new OperatorError(`cannot inspect the recorder (process ${pid}): ${messageOf(error)}`, { cause: error });
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
    // The recorder writes its report before it ends, so no report will come now.
    const isGone = recorderOf(dataDir) === null && !isRunning(pid);
    if (isGone) return null;
    await Bun.sleep(pollMs);
  }
  return null;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

function printReport({ pid, from, tookMs, result }: UpgradeReport, print: (line: string) => void): number {
  if (result.kind === "handed_over") {
    const seconds = (tookMs / 1000).toFixed(1);
    print(
      `upgraded from ${from} (process ${pid}) to ${result.version} (process ${result.pid}) in ${seconds} s; the page was unreachable for ${result.withoutPageMs} ms`,
    );
    return 0;
  }
  const state = result.restarted
    ? "Recording had stopped already; the old version has started again, with a gap"
    : `The old version (process ${pid}) goes on recording, without a gap`;
  process.stderr.write(`rt-data: not upgraded: ${result.reason}. ${state}\n`);
  return 1;
}
