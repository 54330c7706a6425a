import { resolve } from "node:path";
import { type App, createApp } from "../../app/app.ts";
import { createStreams } from "../../app/reload.ts";
import { createStandbyFeed, type StandbyFeed } from "../../app/upgrade/standby-feed.ts";
import type { Config } from "../../config/config.ts";
import { ownSymbols } from "../../domain/shard.ts";
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

/** How often is looked whether all is received, ms. */
const lookMs = 50;

/** How long the running recorder may take to tell how far it is, ms. */
const silenceMs = 30_000;

/** How long a process may take to die, ms; one that writes to a slow disk cannot be killed meanwhile. */
const dyingMs = 20_000;

/**
 * Takes over from the recorder that has started this process, at the other end of `channel`: receives beside it until all streams
 * come here, then records in its place. If that one dies meanwhile, records at once, as after any crash. Resolves with the running
 * app; null where `stop` came first. Rejects where it cannot take over; the running recorder is told why, and goes on.
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
      "the recorder that was to be taken over has died; this process records at once, and what is missing is a gap",
    );
    await untilFree(config.record.data_dir);
  }
  try {
    const standby = end.kind === "released" ? { standby: end.standby } : {};
    const app = createApp(config, { mode: "record", log, ...standby });
    const { url } = await app.start();
    const held = end.kind === "released" ? end.standby.held() : null;
    if (held !== null)
      log.info("taken over", {
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

/** A process that dies lets go of its line before it is gone. */
async function untilFree(dataDir: string): Promise<void> {
  const deadline = performance.now() + dyingMs;
  while (recorderOf(dataDir) !== null && performance.now() < deadline) await Bun.sleep(lookMs);
}

type StandbyEnd =
  | { readonly kind: "released"; readonly standby: StandbyFeed }
  | { readonly kind: "alone" | "stopped" }
  | { readonly kind: "failed"; readonly reason: string };

/** Until the other process has let go, or it is clear that it never will. */
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

  return new Promise<StandbyEnd>((settle) => {
    const timer = setInterval(look, lookMs);
    stop.addEventListener("abort", () => finish({ kind: "stopped" }), { once: true });
    channel.onClose(() => finish({ kind: "alone" }));
    channel.onMessage((message) => {
      heardMs = performance.now();
      const known = messageOfType<FromParent>(message, ["begin", "trails", "begun", "notes", "stopped", "released"]);
      if (known !== null) take(known);
    });
    channel.send({ type: "hello", protocol: upgradeProtocol, version });

    function finish(end: StandbyEnd): void {
      if (isOver) return;
      isOver = true;
      clearInterval(timer);
      if (end.kind !== "released") standby?.stop();
      settle(end);
    }

    function take(message: FromParent): void {
      if (message.type === "begin") begin(message);
      else if (message.type === "trails") trails.push(...message.trails);
      else if (message.type === "begun") open();
      else if (message.type === "notes") note(message);
      else if (message.type === "stopped") standby?.leave(message.gaps, message.atUs, message.clockOffsetMs);
      else if (standby !== null) finish({ kind: "released", standby });
    }

    function begin({ version: other, dataDir }: Extract<FromParent, { type: "begin" }>): void {
      log.info("taking over from a running recorder", { from: other, to: version });
      const own = resolve(config.record.data_dir);
      const reason = `the config now names another data folder (${own}, and not ${dataDir}); stop the recorder and start it anew for that`;
      if (own !== dataDir) finish({ kind: "failed", reason });
    }

    function open(): void {
      const inherited = new Map(trails.map((trail) => [trail.stream, trail]));
      standby = createStandbyFeed({ config, streams, inherited }, { clock, log });
      standby.start();
    }

    function note({ batch, notes }: Extract<FromParent, { type: "notes" }>): void {
      for (let at = 0; at + numbersOfNote <= notes.length; at += numbersOfNote) {
        const [place = 0, firstId = 0, id = 0, mark = 0, recvUs = 0, epoch = 0] = notes.slice(at, at + numbersOfNote);
        standby?.note(trails[place]?.stream ?? "", { firstId, id, mark, recvUs, isEpoch: epoch === 1 });
      }
      channel.send({ type: "seen", batch });
    }

    function look(): void {
      if (standby === null && performance.now() - heardMs > silenceMs)
        finish({ kind: "failed", reason: "the running recorder has said nothing for half a minute" });
      if (standby === null || isReady) return;
      if (standby.held().isFull)
        finish({ kind: "failed", reason: "memory is full of what the running recorder has not written" });
      const progress = standby.judge();
      if (progress === "in_vain")
        finish({ kind: "failed", reason: "the new connection does not deliver what the running recorder receives" });
      if (progress !== "done") return;
      isReady = true;
      log.info("all streams are received here as well", { streams: streams.length });
      channel.send({ type: "ready", streams: streams.length });
    }
  });
}
