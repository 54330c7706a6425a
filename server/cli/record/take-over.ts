import { resolve } from "node:path";
import { type App, createApp } from "../../app/app.ts";
import { createStreams } from "../../app/reload.ts";
import { createStandbyFeed, type StandbyFeed } from "../../app/upgrade/standby-feed.ts";
import type { Config } from "../../config/config.ts";
import { ownSymbols } from "../../domain/symbols/shard.ts";
import { messageOf, OperatorError } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { version } from "../../platform/process/version.ts";
import { createReceiveClock } from "../../platform/time/receive-clock.ts";
import { recorderOf } from "../../storage/lock/data-folder.ts";
import {
  type Channel,
  type FromParent,
  messageOfType,
  numbersOfNote,
  type StreamTrail,
  upgradeProtocol,
} from "../../upgrade/protocol.ts";

/** Interval of the checks whether all streams are received, ms. */
const pollMs = 50;

/** Time limit for the parent to send its positions, ms. */
const silenceMs = 30_000;

/** Time limit for a dying parent to release the lock, ms: a process that writes to a slow disk cannot be killed. */
const dyingMs = 20_000;

/**
 * Runs the child's side of an upgrade. Receives beside the parent until all streams arrive here, then records in its place. If the
 * parent dies meanwhile, records at once, as after any crash. Resolves with the running app; null if `stop` came first. Rejects if it
 * cannot take over; the parent gets the reason and goes on.
 */
export async function takeOver(
  config: Config,
  deps: { channel: Channel; stop: AbortSignal; log: Log },
): Promise<{ readonly app: App; readonly url: string } | null> {
  const { channel, log } = deps;
  const end = await standBy(config, deps);
  if (end.kind === "stopped") return null;
  if (end.kind === "failed") {
    channel.send({ type: "failed", reason: end.reason });
    throw new OperatorError(end.reason);
  }
  if (end.kind === "alone") {
    log.error(
      "upgrade: the running recorder has died; this process records at once, and the time in between becomes a gap",
    );
    await untilFree(config.record.data_dir);
  }
  try {
    const standby = end.kind === "released" ? { standby: end.standby } : {};
    const app = createApp(config, { mode: "record", log, ...standby });
    const { url } = await app.start();
    const held = end.kind === "released" ? end.standby.held() : null;
    if (held !== null)
      log.info("upgrade done: this process records", {
        records_held: held.handedOver,
        most_kilobytes_held: Math.round(held.mostCharacters / 1000),
      });
    channel.send({ type: "recording", listeningMs: app.listeningMs(), held: held?.handedOver ?? 0, version });
    return { app, url };
  } catch (error) {
    if (end.kind === "released") end.standby.stop();
    channel.send({ type: "failed", reason: messageOf(error) });
    throw error;
  }
}

/** Waits until the parent has released the folder's lock: a dying process closes the channel before that. */
async function untilFree(dataDir: string): Promise<void> {
  const deadline = performance.now() + dyingMs;
  while (recorderOf(dataDir) !== null && performance.now() < deadline) await Bun.sleep(pollMs);
}

type StandbyEnd =
  | { readonly kind: "released"; readonly standby: StandbyFeed }
  | { readonly kind: "alone" | "stopped" }
  | { readonly kind: "failed"; readonly reason: string };

/** Receives beside the parent until the parent releases the folder, ends, or the upgrade fails. */
function standBy(
  config: Config,
  { channel, stop, log }: { channel: Channel; stop: AbortSignal; log: Log },
): Promise<StandbyEnd> {
  const clock = createReceiveClock();
  const streams = createStreams(config, ownSymbols(config.record));
  const trails: StreamTrail[] = [];
  let standby: StandbyFeed | null = null;
  let isReady = false;
  let isOver = false;
  let heardMs = performance.now();

  return new Promise<StandbyEnd>((resolveEnd) => {
    const timer = setInterval(checkProgress, pollMs);
    stop.addEventListener("abort", () => finish({ kind: "stopped" }), { once: true });
    channel.onClose(() => finish({ kind: "alone" }));
    channel.onMessage((message) => {
      heardMs = performance.now();
      const known = messageOfType<FromParent>(message, ["begin", "trails", "begun", "notes", "stopped", "released"]);
      if (known !== null) onParentMessage(known);
    });
    channel.send({ type: "hello", protocol: upgradeProtocol, version });

    function finish(end: StandbyEnd): void {
      if (isOver) return;
      isOver = true;
      clearInterval(timer);
      if (end.kind !== "released") standby?.stop();
      resolveEnd(end);
    }

    function onParentMessage(message: FromParent): void {
      if (message.type === "begin") checkFolder(message);
      else if (message.type === "trails") trails.push(...message.trails);
      else if (message.type === "begun") openStandby();
      else if (message.type === "notes") dropRecorded(message);
      else if (message.type === "stopped") standby?.leave(message.gaps, message.atUs, message.clockOffsetMs);
      else if (standby !== null) finish({ kind: "released", standby });
    }

    function checkFolder({ version: parentVersion, dataDir }: Extract<FromParent, { type: "begin" }>): void {
      log.info("upgrade: taking over from the running recorder", { from: parentVersion, to: version });
      const configured = resolve(config.record.data_dir);
      const reason = `the config now names another data folder (${configured}, not ${dataDir}); this needs a restart of the recorder`;
      if (configured !== dataDir) finish({ kind: "failed", reason });
    }

    function openStandby(): void {
      const inherited = new Map(trails.map((trail) => [trail.stream, trail]));
      standby = createStandbyFeed({ config, streams, inherited }, { clock, log });
      standby.start();
    }

    function dropRecorded({ batch, notes }: Extract<FromParent, { type: "notes" }>): void {
      for (let at = 0; at + numbersOfNote <= notes.length; at += numbersOfNote) {
        const [index = 0, firstId = 0, id = 0, mark = 0, recvUs = 0, epoch = 0] = notes.slice(at, at + numbersOfNote);
        standby?.drop(trails[index]?.stream ?? "", { firstId, id, mark, recvUs, isEpoch: epoch === 1 });
      }
      channel.send({ type: "seen", batch });
    }

    function checkProgress(): void {
      if (standby === null && performance.now() - heardMs > silenceMs)
        finish({ kind: "failed", reason: "the running recorder has sent no message for half a minute" });
      if (standby === null || isReady) return;
      if (standby.held().isFull)
        finish({
          kind: "failed",
          reason: "the memory limit is reached: the running recorder has not written its records in time",
        });
      const progress = standby.checkRollover();
      if (progress === "in_vain")
        finish({ kind: "failed", reason: "the new connection does not deliver what the running recorder receives" });
      if (progress !== "done") return;
      isReady = true;
      log.info("upgrade: all streams are received", { streams: streams.length });
      channel.send({ type: "ready", streams: streams.length });
    }
  });
}
