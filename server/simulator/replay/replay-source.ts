import { messageOf, OperatorError } from "../../platform/errors.ts";
import { type Log, silentLog } from "../../platform/log/log.ts";
import { formatTime } from "../../platform/time/time-parser.ts";
import { createNap } from "../../platform/time/timers.ts";
import type { GapsOf } from "../../storage/recorded-gaps.ts";
import type { PlayControl } from "../control/replay-control.ts";
import type { MarketListeners, MarketSource } from "../protocol/market-source.ts";
import type { GapAnnouncer } from "./gap-announcer.ts";
import { createLoop } from "./loop.ts";
import { createPlayClock } from "./play-clock.ts";
import { createRecordingEmitter, playRound, type RecordingEmitter, type RoundEnd } from "./player.ts";
import type { RecordedMessage } from "./recorded-message.ts";
import { createRecordedRest } from "./recorded-rest.ts";
import { type OpenedRecording, openRecording, type ReplaySelection } from "./selection.ts";

export type RecordingOptions = Partial<ReplaySelection> & {
  /**
   * A file of `{"t","raw"}` lines (`.jsonl`, also `.gz`, `.zst`), a folder of such files, or a data folder of RT-Data with
   * `live/` and `archive/`.
   */
  readonly path: string;
  /** Times as fast as it was received, or as fast as the slowest reader takes it. */
  readonly speed: number | "max";
  /** Begin again at the end, with ids and times that go on rising. */
  readonly loop: boolean;
  /** Payloads byte for byte and the recording's time at `/time`, or event times and `/time` of today ("original"). */
  readonly time?: "original" | "shifted";
  /** Send the recording's gaps as `!gap` events (false). */
  readonly gaps?: boolean;
  /** Wait through recorded gaps as long as they lasted (false). */
  readonly keepPauses?: boolean;
};

/** How the playing of a recording ended. */
export type PlayEnd =
  | { readonly outcome: "complete"; readonly messages: number }
  | { readonly outcome: "stopped" }
  | { readonly outcome: "failed"; readonly error: Error };

export type ReplaySource = MarketSource &
  PlayControl & {
    /**
     * Resolves once the last message was emitted and no reader lags behind, or playing was stopped or failed. A loop settles only
     * when it is stopped.
     */
    readonly ended: Promise<PlayEnd>;
    /** Messages played so far, whether or not anybody listened to them. */
    played(): number;
    /** Gaps that were passed, and files of which something could not be read. */
    flaws(): { readonly gaps: number; readonly damaged: readonly string[] };
  };

/** Gaps that last longer are passed over, µs. */
const longestWaitUs = 10_000_000;
/** Pause between the rounds of a loop, ms. */
const pauseMs = 100;

/**
 * Plays a recording in its recorded order. Time stands still while none of its streams has a subscriber, and while a reader
 * lags. `start` throws an OperatorError if there are no messages to play.
 */
export function createReplaySource(options: RecordingOptions, deps: { log?: Log; gapsOf?: GapsOf } = {}): ReplaySource {
  const log = deps.log ?? silentLog;
  const shifted = options.time === "shifted";
  const end = Promise.withResolvers<PlayEnd>();
  const loop = options.loop ? createLoop({ times: !shifted }) : null;
  const clock = createPlayClock(options.speed);
  const nap = createNap();
  const damaged = new Set<string>();
  const halt = new AbortController();
  let rest = createRecordedRest();
  let audience: MarketListeners | undefined;
  let recording: OpenedRecording | null = null;
  let playing: Promise<void> = Promise.resolve();
  let gaps: GapAnnouncer | null = null;
  let ended = false;
  let stopped = false;
  let seekUs: number | null = null;
  let messages = 0;

  function heard(): boolean {
    if (audience === undefined) return true;
    for (const stream of recording?.names ?? []) if (audience.wants(stream)) return true;
    return false;
  }

  async function play(from: OpenedRecording, watch: GapAnnouncer, emitter: RecordingEmitter): Promise<void> {
    try {
      let fromUs = from.fromUs;
      for (let whole = true; !stopped; ) {
        const before = messages;
        seekUs = null;
        const round = await playFrom(fromUs, from, watch, emitter);
        if (round === "stopped") break;
        whole &&= round === "complete";
        fromUs = seekUs ?? from.fromUs;
        if (round === "moved") continue;
        if (loop === null) break;
        if (messages === before)
          throw new OperatorError(`cannot play ${options.path}: its files cannot be read any more`);
        loop.again(whole);
        whole = true;
        log.info("recording starts again", { path: options.path, messages });
        if (clock.speed !== "max") await nap.sleep(pauseMs / clock.speed);
      }
      if (!stopped) finish(from, watch, emitter);
      const pressure = audience?.pressure() ?? null;
      if (pressure !== null && !stopped) await nap.until(pressure);
      end.resolve(stopped ? { outcome: "stopped" } : { outcome: "complete", messages });
    } catch (error) {
      log.error("cannot go on playing the recording", { path: options.path, error: messageOf(error) });
      end.resolve({ outcome: "failed", error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  async function playFrom(
    fromUs: number,
    from: OpenedRecording,
    watch: GapAnnouncer,
    emitter: RecordingEmitter,
  ): Promise<RoundEnd> {
    rest = createRecordedRest();
    watch.moveTo(fromUs);
    const reader = from.open(fromUs, reportDamage);
    const recall = ({ parsed, payload }: RecordedMessage) => void (parsed !== null && rest.record(parsed, payload));
    const deps = {
      ...{ reader, clock, nap, recall },
      isOver: () => (stopped ? ("stopped" as const) : seekUs === null ? null : ("moved" as const)),
      play(message: RecordedMessage) {
        if (!from.wants(message)) return recall(message);
        for (const gap of watch.before(message)) if (options.gaps) emitter.gap(gap);
        messages += 1;
        emitter.message(message);
      },
      flush: emitter.flush,
      pressure: () => audience?.pressure() ?? null,
      skipsTo: (message: RecordedMessage, lastUs: number) => skipsTo(message, lastUs, watch),
    };
    try {
      return await playRound({ fromUs, toUs: from.toUs }, deps);
    } finally {
      reader.close();
    }
  }

  function reportDamage(path: string, problem: string): void {
    if (damaged.has(path) || stopped) return;
    damaged.add(path);
    log.error("cannot play the whole file", { path, problem });
  }

  function skipsTo(message: RecordedMessage, lastUs: number, watch: GapAnnouncer): boolean {
    if (options.keepPauses || message.recvUs - lastUs <= longestWaitUs) return false;
    if (watch.longestWithin(lastUs, message.recvUs) <= longestWaitUs) return false;
    const [from, to] = [formatTime(lastUs), formatTime(message.recvUs)];
    log.info("skipping a gap of the recording", { from, to });
    return true;
  }

  function finish(from: OpenedRecording, watch: GapAnnouncer, emitter: RecordingEmitter): void {
    for (const gap of watch.atEnd(from.toUs)) if (options.gaps) emitter.gap(gap);
    emitter.flush();
    ended = true;
    clock.setPaused(true);
    if (from.toUs < Number.POSITIVE_INFINITY) clock.jump(from.toUs);
  }

  return {
    ended: end.promise,
    played: () => messages,
    flaws: () => ({ gaps: gaps?.count() ?? 0, damaged: [...damaged] }),
    async start(emit, listeners) {
      audience = listeners;
      const opened = await openRecording(options.path, options, deps.gapsOf ?? (() => null), halt.signal);
      if (stopped) return;
      recording = opened;
      gaps = opened.createGapAnnouncer();
      log.info("recording is ready", { path: options.path, streams: opened.preview.streams.size });
      clock.jump(opened.firstUs);
      clock.setHeard(heard());
      const shiftMs = shifted ? clock.shiftMs : null;
      playing = play(opened, gaps, createRecordingEmitter({ emit, audience, loop, shiftMs, rest: () => rest }));
    },
    async stop() {
      stopped = true;
      halt.abort();
      nap.wake();
      end.resolve({ outcome: "stopped" });
      await playing;
    },
    audienceChanged() {
      clock.setHeard(heard());
      nap.wake();
    },
    nowMs: () => (shifted ? Date.now() : Math.floor(clock.positionUs() / 1000 + (loop?.laterMs() ?? 0))),
    exchangeInfo: () => [...(recording?.preview.symbols ?? [])],
    depth: (symbol, limit) => (isKnown(symbol) ? rest.depth(symbol, limit) : null),
    aggTrades: (symbol, query) => (isKnown(symbol) ? rest.aggTrades(symbol, query) : null),
    trades: (symbol, query) => (isKnown(symbol) ? rest.trades(symbol, query) : null),
    playReport() {
      const { fromUs = 0, toUs = Number.POSITIVE_INFINITY } = recording ?? {};
      const state = ended ? "ended" : clock.paused ? "paused" : clock.heard ? "playing" : "waiting";
      const known = toUs < Number.POSITIVE_INFINITY ? toUs : null;
      return { state, positionUs: clock.positionUs(), speed: clock.speed, fromUs, toUs: known, messages };
    },
    pause: () => control(() => clock.setPaused(true)),
    resume: () => control(() => clock.setPaused(false)),
    setSpeed: (speed) => control(() => clock.setSpeed(speed)),
    seek(us) {
      if (ended) return { outcome: "ended" };
      if (recording === null || us < Math.floor(recording.fromUs) || us >= recording.toUs)
        return { outcome: "outside" };
      control(() => {
        seekUs = us;
        clock.jump(us);
      });
      return { outcome: "moved" };
    },
  };

  function control(change: () => void): void {
    if (ended) return;
    change();
    nap.wake();
  }

  function isKnown(symbol: string): boolean {
    return recording?.preview.symbols.some((info) => info.symbol === symbol) ?? false;
  }
}
