import type { Log } from "../log.ts";
import { messageOf } from "../problem.ts";

/** Local clock minus exchange clock, ms, wrong by at most `boundMs` (half the round trip it was measured in). */
export type ClockOffset = { readonly offsetMs: number; readonly boundMs: number };

/** Measures the clock offset now and then. */
export type ClockOffsetMeter = {
  start(): void;
  stop(): void;
  /** The newest estimate, or null before the first. */
  current(): ClockOffset | null;
};

const samples = 5;
const timeoutMs = 5000;
const everyMs = 10 * 60_000;
const retryMs = 30_000;

/**
 * Asks `/api/v3/time` five times (weight 1 each) and believes the answer with the shortest round trip; again every ten
 * minutes, after a failure every 30 s. Never throws: without an answer the offset stays what it was.
 */
export function createClockOffsetMeter(
  options: { restUrl: string },
  deps: { log: Log; onOffset: (offset: ClockOffset) => void },
): ClockOffsetMeter {
  let current: ClockOffset | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let abort = new AbortController();
  let failing = false;

  async function measure(): Promise<void> {
    const { signal } = abort;
    let best: ClockOffset | null = null;
    let failure: unknown = null;
    for (let n = 0; n < samples && !signal.aborted; n++) {
      try {
        const offset = await sample(options.restUrl, signal);
        if (best === null || offset.boundMs < best.boundMs) best = offset;
      } catch (error) {
        failure = error;
        break;
      }
    }
    if (signal.aborted) return;
    if (best !== null) {
      current = best;
      deps.onOffset(best);
      failing = false;
    } else if (!failing) {
      failing = true;
      deps.log.warn("cannot ask the exchange for its time; delays stay unknown until it answers", {
        reason: messageOf(failure),
      });
    }
    timer = setTimeout(measure, best === null ? retryMs : everyMs);
  }

  return {
    start() {
      abort = new AbortController();
      void measure();
    },
    stop() {
      abort.abort();
      if (timer !== null) clearTimeout(timer);
    },
    current: () => current,
  };
}

async function sample(restUrl: string, signal: AbortSignal): Promise<ClockOffset> {
  const sent = performance.now();
  const sentWallMs = Date.now();
  const response = await fetch(`${restUrl}/api/v3/time`, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  });
  if (!response.ok) throw new Error(`GET /api/v3/time answered ${response.status}`);
  const body: unknown = await response.json();
  const roundTripMs = performance.now() - sent;
  const serverTime = typeof body === "object" && body !== null && "serverTime" in body ? body.serverTime : null;
  if (typeof serverTime !== "number") throw new Error("GET /api/v3/time answered without a serverTime");
  return { offsetMs: sentWallMs + roundTripMs / 2 - serverTime, boundMs: roundTripMs / 2 };
}
