import { type App, createApp } from "../../app/app.ts";
import type { Config } from "../../config/config.ts";
import type { Gap } from "../../domain/gap.ts";
import { messageOf, OperatorError } from "../../platform/errors.ts";
import type { AdjustableLog, Log } from "../../platform/log/log.ts";
import { notifyService, reloading } from "../../platform/process/systemd.ts";
import { version } from "../../platform/process/version.ts";
import { aborted } from "../../platform/time/deadline.ts";
import { type UpgradeReport, writeUpgradeReport } from "../../upgrade/report.ts";
import { endsWithUs, noRoom, ownCommand, spawnChild } from "../../upgrade/spawn.ts";
import type { Terminal } from "../framework/command.ts";
import { handOver } from "./hand-over.ts";
import { takeOver } from "./take-over.ts";

type Running = { readonly app: App; readonly url: string };

type Deps = {
  readonly log: AdjustableLog;
  /** Reads the config again; may throw. */
  readonly readAgain: () => Config;
  /** Called with the address of the page once the recorder runs. */
  readonly onRunning: (url: string) => void;
};

/**
 * Records until the process is asked to stop or a child has taken over. `isSuccessor`: this process is the child of an upgrade and
 * takes over from its parent first. Resolves with the exit code.
 */
export async function runRecorder(
  config: Config,
  terminal: Terminal,
  deps: Deps & { readonly isSuccessor: boolean },
): Promise<number> {
  const { log } = deps;
  let app: App | null = null;
  let isUpgrading = false;
  let wake = () => {};
  terminal.stop.addEventListener("abort", () => wake(), { once: true });
  terminal.onUpgrade(() => {
    if (isUpgrading || app === null) {
      log.warn("ignored a request to upgrade: an upgrade is running, or recording has not started");
      return;
    }
    isUpgrading = true;
    wake();
  });
  terminal.onFault((part, error) => {
    if (app === null) log.error("uncaught error", { part, reason: messageOf(error) });
    else app.reportFault(part, error);
  });
  terminal.onReload(() => {
    notifyService(reloading());
    try {
      if (isUpgrading)
        log.warn("ignored a request to reload: an upgrade is running, and the new process has read the config");
      else reload(deps.readAgain());
    } catch (error) {
      log.error("cannot reload the config; recording goes on with the previous config", { reason: messageOf(error) });
    }
    notifyService("READY=1");
  });

  function reload(next: Config): void {
    log.setLevel(next.log.level);
    app?.reload(next);
  }

  let left: readonly Gap[] = [];
  let isFirst = true;
  for (;;) {
    const running =
      isFirst && deps.isSuccessor ? await startAsChild(config, terminal, log) : await startRecorder(config, log, left);
    if (running === null) return 0;
    app = running.app;
    isFirst = false;
    notifyService("READY=1\nSTATUS=waiting for the first data");
    deps.onRunning(running.url);
    for (;;) {
      while (!terminal.stop.aborted && !isUpgrading)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (terminal.stop.aborted) return await stopRecorder(app, log);
      const outcome = await upgrade(running.app, terminal, log);
      isUpgrading = false;
      if (outcome.kind === "handed_over") return 0;
      if (outcome.kind === "stays") continue;
      left = outcome.left;
      break;
    }
  }
}

async function startRecorder(config: Config, log: Log, left: readonly Gap[]): Promise<Running> {
  const app = createApp(config, { mode: "record", log });
  return { app, url: (await app.start(left)).url };
}

function startAsChild(config: Config, { predecessor, stop }: Terminal, log: Log): Promise<Running | null> {
  if (predecessor !== null) return takeOver(config, { channel: predecessor, stop, log });
  throw new OperatorError("--take-over is for internal use during an upgrade; use rt-data upgrade");
}

async function stopRecorder(app: App, log: Log): Promise<number> {
  notifyService("STOPPING=1\nSTATUS=writing and sealing the last records");
  log.info("stopping: writing and sealing the last records (a second signal ends at once)");
  await app.stop(stopMs);
  log.info("stopped");
  return 0;
}

/** Runs an upgrade. Logs its result and saves it in the data folder for `rt-data upgrade`. */
async function upgrade(app: App, { stop }: Terminal, log: Log) {
  const began = Date.now();
  const dataDir = app.dataDir;
  // The child inherits the folder's lock, so that no third process can take the folder in between.
  const startNext = () => spawnChild(ownCommand(), app.passOnFolder());
  const reason = app.departure.refusal() ?? endsWithUs() ?? noRoom();
  const outcome =
    reason === null
      ? await handOver(app, { dataDir, version }, { spawnChild: startNext, nowUs: app.nowUs, stop, log })
      : ({ kind: "stays", reason } as const);
  const result = resultOf(outcome);
  const tookMs = Date.now() - began;
  if (result.kind === "handed_over") {
    const fields = { process: result.pid, version: result.version, ms: tookMs, without_page_ms: result.withoutPageMs };
    log.info("upgrade done: the new process records; this one ends", fields);
    // Before this process ends: otherwise systemd would consider the service ended.
    notifyService(`MAINPID=${result.pid}`);
    // A request to stop was meant for the recorder, which is the child now.
    if (stop.aborted) process.kill(result.pid, "SIGTERM");
  } else if (stop.aborted) {
    log.info("upgrade cancelled: this process was asked to stop", { reason: result.reason });
  } else if (result.restarted) {
    log.error("upgrade failed after recording had stopped; this process starts again, with a gap", {
      reason: result.reason,
    });
  } else {
    log.error("upgrade failed; this process goes on recording, without a gap", { reason: result.reason });
  }
  try {
    writeUpgradeReport(dataDir, { pid: process.pid, atMs: Date.now(), tookMs, from: version, result });
  } catch (error) {
    log.warn("cannot write the upgrade report", { reason: messageOf(error) });
  }
  return outcome;
}

function resultOf(outcome: Awaited<ReturnType<typeof handOver>>): UpgradeReport["result"] {
  if (outcome.kind === "handed_over") return outcome;
  return { kind: "failed", reason: outcome.reason, restarted: outcome.kind === "restart" };
}

/** Time limit of a clean stop, ms. Segments that are not sealed by then stay as plain lines; the next start seals them. */
export const stopMs = 9000;

/** Starts the app, waits until the process is asked to stop, and stops it. Resolves with the exit code. */
export async function runApp(
  app: App,
  terminal: Terminal,
  log: Log,
  banner: (url: string) => readonly string[],
): Promise<number> {
  terminal.onFault(app.reportFault);
  const { url } = await app.start();
  notifyService("READY=1\nSTATUS=waiting for the first data");
  for (const line of banner(url)) terminal.print(line);
  await aborted(terminal.stop);
  notifyService("STOPPING=1\nSTATUS=writing and sealing the last records");
  log.info("stopping: writing and sealing the last records (a second signal ends at once)");
  await app.stop(stopMs);
  log.info("stopped");
  return 0;
}
