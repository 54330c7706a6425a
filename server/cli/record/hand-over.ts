import type { App } from "../../app/app.ts";
import { gapOfLeftover } from "../../app/upgrade/parent-state.ts";
import { createRecordNotices } from "../../app/upgrade/record-notices.ts";
import type { Gap } from "../../domain/gap.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import { type FromChild, messageOfType, upgradeProtocol } from "../../upgrade/protocol.ts";
import type { UpgradeChild } from "../../upgrade/spawn.ts";

/**
 * What has become of it. "handed_over": the other process records, this one is done. "stays": nothing has changed, this one records on.
 * "restart": this one had stopped already when the other one failed, and has to start anew; `left` are gaps to be written down then.
 */
export type UpgradeOutcome =
  | { readonly kind: "handed_over"; readonly pid: number; readonly version: string; readonly withoutPageMs: number }
  | { readonly kind: "stays"; readonly reason: string }
  | { readonly kind: "restart"; readonly reason: string; readonly left: readonly Gap[] };

/** How long each step may take, ms: until it answers, until it receives all, and until it records. */
export type UpgradeTimes = { readonly helloMs: number; readonly readyMs: number; readonly recordingMs: number };

const usualTimes: UpgradeTimes = { helloMs: 20_000, readyMs: 90_000, recordingMs: 60_000 };

/** Streams whose newest ids go into one message, so that writing it down keeps nobody waiting. */
const trailsAtOnce = 50;

/** How long this process may take to write what there is. */
const stopMs = 9000;

/** How long connections that lag behind others may take to bring what those have missed, ms; and how often is looked. */
const settleMs = 5000;
const lookMs = 20;

/** An ended process, or one that is slow to end, ms. */
const graceMs = 3000;

/**
 * Hands the recording over to a process that is started for it, while it goes on. The other one receives beside this one until all
 * streams come there; then this one stops, writes what it has, and lets go of folder, catalogue and port. Never rejects.
 */
export async function handOver(
  app: Pick<App, "departure" | "stop">,
  options: { dataDir: string; version: string; times?: UpgradeTimes },
  deps: { spawnChild: () => UpgradeChild; nowUs: () => number; stop: AbortSignal; log: Log },
): Promise<UpgradeOutcome> {
  const { dataDir, version, times = usualTimes } = options;
  const { log } = deps;
  let child: UpgradeChild;
  try {
    child = deps.spawnChild();
  } catch (error) {
    return { kind: "stays", reason: `it cannot be started: ${messageOf(error)}` };
  }
  const { channel, pid } = child;
  log.info("another process is started to take over", { process: pid, path: child.path });
  const inbox = createInbox(child, deps.stop);
  const notes = createRecordNotices(channel.send);
  let left: readonly Gap[] = [];
  let step: "stays" | "restart" = "stays";
  try {
    const hello = await inbox.next("hello", times.helloMs, "it did not say hello");
    if (hello.protocol !== upgradeProtocol) throw new Error(`its version, ${hello.version}, hands over in another way`);
    const trails = app.departure.begin(notes.add);
    channel.send({ type: "begin", version, dataDir });
    const all = [...trails].map(([stream, trail]) => ({ stream, ...trail }));
    for (let at = 0; at < all.length; at += trailsAtOnce) {
      channel.send({ type: "trails", trails: all.slice(at, at + trailsAtOnce) });
      await nextTurn();
    }
    channel.send({ type: "begun", streams: all.length });
    notes.start(all.map(({ stream }) => stream));
    inbox.onSeen(notes.seen);
    await Promise.race([inbox.next("ready", times.readyMs, "it does not receive all that is recorded"), notes.failed]);
    log.info("the other process receives all that is recorded; it takes over", { process: pid });
    step = "restart";
    await app.departure.retire();
    for (const endMs = performance.now() + settleMs; performance.now() < endMs && !app.departure.isSettled(); )
      await Bun.sleep(lookMs);
    if (inbox.isOver()) throw new Error("it has ended");
    const leftovers = app.departure.leave();
    const atUs = deps.nowUs();
    left = leftovers.flatMap((gap) => gapOfLeftover(gap, atUs));
    notes.stop();
    channel.send({ type: "stopped", atUs, gaps: leftovers, clockOffsetMs: app.departure.clockOffsetMs() });
    const stoppedMs = Date.now();
    await app.stop(stopMs);
    channel.send({ type: "released" });
    const recording = await inbox.next("recording", times.recordingMs, "it did not begin to record");
    const withoutPageMs = recording.listeningMs - stoppedMs;
    return { kind: "handed_over", pid, version: recording.version, withoutPageMs };
  } catch (error) {
    const reason = messageOf(error);
    notes.stop();
    await end(child, inbox);
    if (step === "stays") {
      app.departure.cancel();
      return { kind: "stays", reason };
    }
    await app.stop(stopMs);
    return { kind: "restart", reason, left };
  }
}

/** Whatever state it is in, it must not record once this process does again. */
async function end(child: UpgradeChild, inbox: { isOver(): boolean }): Promise<void> {
  if (inbox.isOver()) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await child.ended;
  clearTimeout(timer);
}

/** The other process's messages, one after the other. */
function createInbox({ channel, ended }: UpgradeChild, stop: AbortSignal) {
  const arrived: FromChild[] = [];
  let over: string | null = null;
  let wake = () => {};
  let seen: (batch: number) => void = () => {};
  channel.onMessage((message) => {
    const known = messageOfType<FromChild>(message, ["hello", "seen", "ready", "recording", "failed"]);
    if (known?.type === "seen") seen(known.batch);
    else if (known !== null) arrived.push(known);
    wake();
  });
  void ended.then((how) => {
    over = `it has ended (${typeof how === "number" ? `exit code ${how}` : how})`;
    wake();
  });
  const wakeNow = () => wake();
  stop.addEventListener("abort", wakeNow, { once: true });

  return {
    isOver: () => over !== null,
    onSeen(listener: (batch: number) => void) {
      seen = listener;
    },
    /** The next message, which is to be of this type; rejects with what came instead. */
    async next<T extends FromChild["type"]>(type: T, withinMs: number, late: string) {
      const deadline = performance.now() + withinMs;
      for (;;) {
        const message = arrived.shift();
        if (message?.type === type) return message as Extract<FromChild, { type: T }>;
        if (message?.type === "failed") throw new Error(message.reason);
        if (message !== undefined) continue;
        if (over !== null) throw new Error(over);
        if (stop.aborted && type !== "recording") throw new Error("this process was asked to stop");
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) throw new Error(`${late} within ${Math.round(withinMs / 1000)} s`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, leftMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
  };
}
