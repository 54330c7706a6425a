import type { App } from "../../app/app.ts";
import { gapOfLeftover } from "../../app/upgrade/parent-state.ts";
import { createRecordNotices } from "../../app/upgrade/record-notices.ts";
import type { Gap } from "../../domain/gap.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { isDoneWithin } from "../../platform/time/deadline.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import { type FromChild, messageOfType, upgradeProtocol } from "../../upgrade/protocol.ts";
import type { UpgradeChild } from "../../upgrade/spawn.ts";

/**
 * The outcome of an upgrade:
 *
 * | kind | meaning |
 * |---|---|
 * | handed_over | the child records; the parent is done |
 * | stays | the child failed before the parent had stopped; the parent goes on recording |
 * | restart | the child failed after the parent had stopped; the parent has to start again and record the gaps `left` |
 */
export type UpgradeOutcome =
  | { readonly kind: "handed_over"; readonly pid: number; readonly version: string; readonly withoutPageMs: number }
  | { readonly kind: "stays"; readonly reason: string }
  | { readonly kind: "restart"; readonly reason: string; readonly left: readonly Gap[] };

/** Time limits of the child, ms: until it answers, until it receives all streams, and until it records. */
export type UpgradeTimes = { readonly helloMs: number; readonly readyMs: number; readonly recordingMs: number };

const usualTimes: UpgradeTimes = { helloMs: 20_000, readyMs: 90_000, recordingMs: 60_000 };

/** Number of streams per message, so that encoding a message does not block the main thread. */
const trailsAtOnce = 50;

/** Time limit for the parent to write its records and stop, ms. */
const stopMs = 9000;

/** Time limit for slow connections to deliver messages that others missed, ms; and the interval of the checks, ms. */
const settleMs = 5000;
const pollMs = 20;

/** Time that a child gets to end before it is killed, ms. */
const graceMs = 3000;

/**
 * Runs the parent's side of an upgrade, while recording goes on. Never rejects.
 *
 * 1. Start the child and exchange versions.
 * 2. Send the position of each stream, then a notice of each new record.
 * 3. Wait until the child receives all streams.
 * 4. Stop receiving, write all records, release folder, catalogue and port.
 * 5. Wait until the child records. If it fails after step 4, this process must start again.
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
    return { kind: "stays", reason: `cannot start the new process: ${messageOf(error)}` };
  }
  const { channel, pid } = child;
  log.info("upgrade: started the new process", { process: pid, path: child.path });
  const inbox = createInbox(child, deps.stop);
  const notes = createRecordNotices(channel.send);
  let left: readonly Gap[] = [];
  let step: "stays" | "restart" = "stays";
  try {
    const hello = await inbox.next("hello", times.helloMs, "the new process did not answer");
    if (hello.protocol !== upgradeProtocol)
      throw new Error(
        `version ${hello.version} uses another upgrade protocol; stop the recorder and start the new version`,
      );
    const trails = app.departure.begin(notes.add);
    channel.send({ type: "begin", version, dataDir });
    const positions = [...trails].map(([stream, trail]) => ({ stream, ...trail }));
    for (let at = 0; at < positions.length; at += trailsAtOnce) {
      channel.send({ type: "trails", trails: positions.slice(at, at + trailsAtOnce) });
      await nextTurn();
    }
    channel.send({ type: "begun", streams: positions.length });
    notes.start(positions.map(({ stream }) => stream));
    inbox.onSeen(notes.seen);
    await Promise.race([
      inbox.next("ready", times.readyMs, "the new process did not receive all streams"),
      notes.failed,
    ]);
    log.info("upgrade: the new process receives all streams; it takes over", { process: pid });
    step = "restart";
    await app.departure.retire();
    for (const endMs = performance.now() + settleMs; performance.now() < endMs && !app.departure.isSettled(); )
      await Bun.sleep(pollMs);
    if (inbox.isOver()) throw new Error("the new process has ended");
    const leftovers = app.departure.leave();
    const atUs = deps.nowUs();
    left = leftovers.flatMap((gap) => gapOfLeftover(gap, atUs));
    notes.stop();
    channel.send({ type: "stopped", atUs, gaps: leftovers, clockOffsetMs: app.departure.clockOffsetMs() });
    const stoppedMs = Date.now();
    await app.stop(stopMs);
    channel.send({ type: "released" });
    const recording = await inbox.next("recording", times.recordingMs, "the new process did not start recording");
    const withoutPageMs = recording.listeningMs - stoppedMs;
    return { kind: "handed_over", pid, version: recording.version, withoutPageMs };
  } catch (error) {
    const reason = messageOf(error);
    notes.stop();
    await endChild(child, inbox);
    if (step === "stays") {
      app.departure.cancel();
      return { kind: "stays", reason };
    }
    await app.stop(stopMs);
    return { kind: "restart", reason, left };
  }
}

/** Ends the child: it must not record once this process does again. */
async function endChild(child: UpgradeChild, inbox: { isOver(): boolean }): Promise<void> {
  if (inbox.isOver()) return;
  child.kill("SIGTERM");
  if (!(await isDoneWithin(child.ended, graceMs))) child.kill("SIGKILL");
  await child.ended;
}

/** Creates a queue of the child's messages. */
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
    over = `the new process has ended (${typeof how === "number" ? `exit code ${how}` : how})`;
    wake();
  });
  const wakeNow = () => wake();
  stop.addEventListener("abort", wakeNow, { once: true });

  return {
    isOver: () => over !== null,
    onSeen(listener: (batch: number) => void) {
      seen = listener;
    },
    /** Waits for a message of this type. Rejects with the reason if the child fails, ends or takes too long. */
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
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await isDoneWithin(promise, leftMs);
      }
    },
  };
}
