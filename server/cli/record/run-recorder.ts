import { type App, createApp } from "../../app/app.ts";
import type { Config } from "../../config/config.ts";
import type { Gap } from "../../domain/gap.ts";
import { messageOf, OperatorError } from "../../platform/errors.ts";
import type { AdjustableLog, Log } from "../../platform/log/log.ts";
import { notifyService, reloading } from "../../platform/process/systemd.ts";
import { version } from "../../platform/process/version.ts";
import { type UpgradeReport, writeUpgradeReport } from "../../upgrade/report.ts";
import { endsWithUs, noRoom, ownCommand, spawnChild } from "../../upgrade/spawn.ts";
import type { Terminal } from "../framework/command.ts";
import { handOver } from "./hand-over.ts";
import { takeOver } from "./take-over.ts";

type Running = { readonly app: App; readonly url: string };

type Deps = {
  readonly log: AdjustableLog;
  /** The config as it is now; may throw. */
  readonly readAgain: () => Config;
  /** It records. */
  readonly onRunning: (url: string) => void;
};

/**
 * Records until the process is asked to stop, or has handed over to another one. `isSuccessor`: it begins by taking over from the
 * recorder that has started it. Resolves with the exit code.
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
      log.warn("asked for an upgrade while one is under way or recording has not begun; it is ignored");
      return;
    }
    isUpgrading = true;
    wake();
  });
  terminal.onFault((part, error) => {
    if (app === null) log.error("an error was not caught", { part, reason: messageOf(error) });
    else app.noteFault(part, error);
  });
  terminal.onReload(() => {
    notifyService(reloading());
    try {
      if (isUpgrading)
        log.warn("the config is not read again during an upgrade; the process that takes over has read it");
      else reload(deps.readAgain());
    } catch (error) {
      log.error("the config is not taken over; recording goes on as before", { reason: messageOf(error) });
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
    const running = isFirst && deps.isSuccessor ? await succeed(config, terminal, log) : await begin(config, log, left);
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
      if (terminal.stop.aborted) return await end(app, log);
      const outcome = await upgrade(running.app, terminal, log);
      isUpgrading = false;
      if (outcome.kind === "handed_over") return 0;
      if (outcome.kind === "stays") continue;
      left = outcome.left;
      break;
    }
  }
}

async function begin(config: Config, log: Log, left: readonly Gap[]): Promise<Running> {
  const app = createApp(config, { mode: "record", log });
  return { app, url: (await app.start(left)).url };
}

function succeed(config: Config, { predecessor, stop }: Terminal, log: Log): Promise<Running | null> {
  if (predecessor !== null) return takeOver(config, { channel: predecessor, stop, log });
  throw new OperatorError("--take-over is what a running recorder starts another one with; ask it by rt-data upgrade");
}

async function end(app: App, log: Log): Promise<number> {
  notifyService("STOPPING=1\nSTATUS=writing and sealing what there is");
  log.info("stopping: writing and sealing what there is (a second signal ends at once)");
  await app.stop(stopMs);
  log.info("stopped");
  return 0;
}

/** Tries to hand over; tells what has become of it in the log, and in the data folder for who has asked. */
async function upgrade(app: App, { stop }: Terminal, log: Log) {
  const began = Date.now();
  const dataDir = app.dataDir;
  // With the folder's lock, so that nobody else can take the folder while it changes hands.
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
    log.info("another process has taken over; this one ends", fields);
    // While this one still lives, so that systemd does not take its end for the service's.
    notifyService(`MAINPID=${result.pid}`);
    // Who has asked this process to stop meant the recorder.
    if (stop.aborted) process.kill(result.pid, "SIGTERM");
  } else if (stop.aborted) {
    log.info("the upgrade was given up", { reason: result.reason });
  } else if (result.restarted) {
    log.error("the process that was to take over failed half-way; this one starts anew, which is a gap", {
      reason: result.reason,
    });
  } else {
    log.error("the upgrade failed; this process records on, nothing is missing", { reason: result.reason });
  }
  try {
    writeUpgradeReport(dataDir, { pid: process.pid, atMs: Date.now(), tookMs, from: version, result });
  } catch (error) {
    log.warn("what became of the upgrade cannot be written down", { reason: messageOf(error) });
  }
  return outcome;
}

function resultOf(outcome: Awaited<ReturnType<typeof handOver>>): UpgradeReport["result"] {
  if (outcome.kind === "handed_over") return outcome;
  return { kind: "failed", reason: outcome.reason, restarted: outcome.kind === "restart" };
}

/** How long a clean stop may take, ms; what is not sealed by then stays as plain lines and is sealed at the next start. */
export const stopMs = 9000;

/** Starts the app, waits until the process is asked to stop, and stops it. Resolves with the exit code. */
export async function runApp(
  app: App,
  terminal: Terminal,
  log: Log,
  banner: (url: string) => readonly string[],
): Promise<number> {
  const stopped = new Promise<void>((resolve) => {
    if (terminal.stop.aborted) resolve();
    terminal.stop.addEventListener("abort", () => resolve(), { once: true });
  });
  terminal.onFault(app.noteFault);
  const { url } = await app.start();
  notifyService("READY=1\nSTATUS=waiting for the first data");
  for (const line of banner(url)) terminal.print(line);
  await stopped;
  notifyService("STOPPING=1\nSTATUS=writing and sealing what there is");
  log.info("stopping: writing and sealing what there is (a second signal ends at once)");
  await app.stop(stopMs);
  log.info("stopped");
  return 0;
}
