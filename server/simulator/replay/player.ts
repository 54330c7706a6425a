import { createTurn, type Nap } from "../../platform/time/timers.ts";
import type { MergedReader } from "../../storage/read/merged-reader.ts";
import type { MarketEvent, MarketListeners } from "../protocol/market-source.ts";
import type { MissingSpan } from "./gap-announcer.ts";
import type { Loop } from "./loop.ts";
import type { PlayClock } from "./play-clock.ts";
import { type RecordedMessage, shiftEventTimes } from "./recorded-message.ts";
import type { RecordedRest } from "./recorded-rest.ts";

/** How far one reading of the recording went. */
export type RoundEnd = "complete" | "stopped" | "moved";

export type PlayerOptions = {
  /** Messages received before this only show what the book was, µs. */
  readonly fromUs: number;
  /** End of the range that is played, µs, exclusive. */
  readonly toUs: number;
};

export type PlayerDeps = {
  readonly reader: MergedReader<RecordedMessage>;
  readonly clock: PlayClock;
  readonly nap: Nap;
  /** Asked for between messages; true ends the round. */
  isOver(): "stopped" | "moved" | null;
  /** A message from before `fromUs`. */
  recall(message: RecordedMessage): void;
  /** One message is due; messages are batched until `flush`. */
  play(message: RecordedMessage): void;
  flush(): void;
  /** Null while all readers keep up. */
  pressure(): Promise<void> | null;
  /** True if the silence before this message is to be passed over. */
  skipsTo(message: RecordedMessage, lastUs: number): boolean;
};

/** Messages handed over at once; with the sockets' own bounds this is what keeps memory bounded. */
const batchMessages = 128;
/** Sockets and timers get a turn at least this often, ms. */
const turnMs = 5;

/** Plays what a reader gives, each message when its time has come and the readers of the sockets have room for it. */
export async function playRound(options: PlayerOptions, deps: PlayerDeps): Promise<RoundEnd> {
  const { reader, clock, nap } = deps;
  const turn = createTurn(turnMs);
  let lastUs: number | null = null;

  async function recallBatch(): Promise<void> {
    for (let n = 0; n < batchMessages; n++) {
      const message = reader.peek();
      if (message === undefined || message.recvUs >= options.fromUs) break;
      deps.recall(message);
      reader.skip();
    }
    await turn.giveWay();
  }

  /** Everything that is due, up to a bound. */
  function playBatch(): void {
    for (let n = 0; n < batchMessages; n++) {
      const message = reader.peek();
      if (message === undefined || message.recvUs >= options.toUs || clock.msUntil(message.recvUs) > 0) break;
      clock.reached(message.recvUs);
      lastUs = message.recvUs;
      deps.play(message);
      reader.skip();
    }
    deps.flush();
  }

  for (;;) {
    const over = deps.isOver();
    if (over !== null) return over;
    const pressure = deps.pressure();
    if (pressure !== null) {
      clock.setHeld(true);
      await nap.until(pressure);
      clock.setHeld(false);
      turn.begin();
      continue;
    }
    const message = reader.peek();
    if (message === undefined) {
      if (await reader.fill()) continue;
      return deps.isOver() ?? "complete";
    }
    if (message.recvUs >= options.toUs) return "complete";
    if (message.recvUs < options.fromUs) {
      await recallBatch();
      continue;
    }
    if (lastUs === null) {
      lastUs = message.recvUs;
      clock.jump(message.recvUs);
    }
    const waitMs = clock.msUntil(message.recvUs);
    if (waitMs > 0) {
      if (waitMs < Number.POSITIVE_INFINITY && deps.skipsTo(message, lastUs)) clock.jump(message.recvUs);
      else await nap.sleep(waitMs);
      continue;
    }
    playBatch();
    await turn.giveWay();
  }
}

/** Turns recorded messages into batches of events. */
export type RecordingEmitter = {
  message(message: RecordedMessage): void;
  gap(gap: MissingSpan): void;
  /** Emits the current batch. */
  flush(): void;
};

/** `shiftMs` moves event times; null leaves payloads as they are. `rest` gets all sent payloads. */
export function createRecordingEmitter(deps: {
  emit: (events: readonly MarketEvent[]) => void;
  audience: MarketListeners | undefined;
  loop: Loop | null;
  shiftMs: ((recvUs: number) => number) | null;
  rest: () => RecordedRest;
}): RecordingEmitter {
  const { audience, loop, shiftMs } = deps;
  let batch: MarketEvent[] = [];

  return {
    message(message) {
      const { stream, parsed, alias } = message;
      let payload = loop === null ? message.payload : loop.shift(message);
      if (shiftMs !== null) payload = shiftEventTimes(payload, parsed?.type.kind, shiftMs(message.recvUs));
      if (parsed !== null) deps.rest().record(parsed, payload);
      batch.push({ stream, payload });
      if (alias !== undefined && audience?.wants(alias)) batch.push({ stream: alias, payload });
    },
    gap({ stream, fromUs, toUs, cause }) {
      const data = { e: "gap", stream: stream.type.folder, symbol: stream.symbol, from_us: fromUs, to_us: toUs, cause };
      batch.push({ stream: "!gap", concerns: stream.name, payload: JSON.stringify(data) });
    },
    flush() {
      if (batch.length === 0) return;
      const events = batch;
      batch = [];
      deps.emit(events);
    },
  };
}
