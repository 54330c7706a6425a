import { exchangeMs, isMicroseconds } from "../../domain/market/exchange-time.ts";
import { foreignAnswer } from "../../platform/fetch/foreign-answer.ts";
import type { Log } from "../../platform/log/log.ts";
import { type After, after as systemAfter } from "../../platform/time/timers.ts";
import { parseObject } from "./answer-text.ts";
import type { RestClient } from "./rest-client.ts";

/** Local clock minus exchange clock, ms. The error is at most `boundMs`: half of the measured round trip. */
export type ClockOffset = { readonly offsetMs: number; readonly boundMs: number };

/** Measures the clock offset at regular intervals. */
export type ClockOffsetMeter = {
  start(): void;
  stop(): void;
  /** Measures at once, for example after a step of the local clock. Discards a measurement that is under way. */
  measureNow(): void;
  /** Returns the newest estimate; null before the first. */
  current(): ClockOffset | null;
};

const samples = 5;
const everyMs = 10 * 60_000;
const retryMs = 30_000;

/** The exchange cuts its time to its unit. Its true time is later by half a unit on average; the error is at most this half, ms. */
const cutMs = (time: number) => (isMicroseconds(time) ? 0.0005 : 0.5);

const path = "/api/v3/time";

/** Times that are believed: 13 digits of ms, or 16 digits of µs. */
const believed = (time: number) => Number.isSafeInteger(time) && exchangeMs(time) >= 1e12 && exchangeMs(time) < 1e13;

/** A shorter pause is a busy process, not a suspended machine, ms. */
const leastSleepMs = 1000;

/**
 * Creates the meter. It asks `/api/v3/time` five times (weight 1 each) and uses the answer with the shortest round trip. The round trip
 * does not include the wait in the REST client. It measures again every ten minutes, after a failure every 30 s.
 * `nowUs` is the clock to measure, which stamps `recv_us`. Never throws; without an answer the offset does not change.
 */
export function createClockOffsetMeter(deps: {
  rest: RestClient;
  nowUs: () => number;
  log: Log;
  onOffset: (offset: ClockOffset) => void;
  after?: After;
}): ClockOffsetMeter {
  const { rest, nowUs, log, after = systemAfter } = deps;
  let current: ClockOffset | null = null;
  let cancelTimer: (() => void) | null = null;
  let abort = new AbortController();
  let failing = false;

  async function measure(): Promise<void> {
    abort.abort();
    cancelTimer?.();
    abort = new AbortController();
    const { signal } = abort;
    let best: ClockOffset | null = null;
    for (let n = 0; n < samples; n++) {
      const offset = await sample(signal);
      if (signal.aborted) return;
      if (offset === null) break;
      if (best === null || offset.boundMs < best.boundMs) best = offset;
    }
    if (best !== null) {
      current = best;
      failing = false;
      deps.onOffset(best);
    }
    cancelTimer = after(best === null ? retryMs : everyMs, () => void measure());
  }

  async function sample(signal: AbortSignal): Promise<ClockOffset | null> {
    let sentUs = 0;
    const onSend = () => {
      sentUs = nowUs();
    };
    const answer = await rest.get(path, {}, { weight: 1, priority: "high", signal, onSend });
    // The REST client has logged the reason.
    if (answer.kind === "failed") return null;
    const serverTime = answer.kind === "ok" ? serverTimeOf(answer.text) : null;
    if (answer.kind === "ok" && serverTime !== null) {
      const halfMs = roundTripOf(answer.roundTripMs, (nowUs() - sentUs) / 1000) / 2;
      const cut = cutMs(serverTime);
      return { offsetMs: sentUs / 1000 + halfMs - exchangeMs(serverTime) - cut, boundMs: halfMs + cut };
    }
    if (!failing) {
      const reason =
        answer.kind === "ok"
          ? foreignAnswer(`GET ${path} answered JSON that is not Binance's`, "exchange.rest_url")
          : answer.msg;
      log.warn("cannot ask the exchange for its time; delays stay unknown until it answers", { reason });
    }
    failing = true;
    return null;
  }

  /** Reads the exchange's time, as sent. Members beside it are allowed, and counted. */
  function serverTimeOf(text: string): number | null {
    const usual = /^\s*\{"serverTime":(\d{13}|\d{16})\}\s*$/.exec(text)?.[1];
    const time = usual === undefined ? parseObject(text)?.serverTime : Number(usual);
    if (typeof time !== "number" || !believed(time)) return null;
    if (usual === undefined) rest.countUnusual(path);
    return time;
  }

  return {
    start: () => void measure(),
    measureNow: () => void measure(),
    stop() {
      abort.abort();
      cancelTimer?.();
    },
    current: () => current,
  };
}

/** Uses the wall-clock time if the machine was suspended: the monotonic clock stood still meanwhile. */
function roundTripOf(measuredMs: number, passedMs: number): number {
  return passedMs > measuredMs + leastSleepMs ? passedMs : measuredMs;
}
