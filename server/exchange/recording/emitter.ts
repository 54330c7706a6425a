import type { Audience, MarketEvent } from "../source.ts";
import { shiftEventTimes } from "./event-time.ts";
import type { MissingSpan } from "./gap-watch.ts";
import type { Loop } from "./loop.ts";
import type { RecordedMessage } from "./message.ts";
import type { RecordedRest } from "./recorded-rest.ts";

/** Turns recorded messages into what is sent, a batch at a time. */
export type RecordingEmitter = {
  message(message: RecordedMessage): void;
  gap(gap: MissingSpan): void;
  /** Hands over what has gathered. */
  flush(): void;
};

/** `shiftMs` moves event times; null leaves payloads as they are. `rest` is told what was sent. */
export function createRecordingEmitter(deps: {
  emit: (events: readonly MarketEvent[]) => void;
  audience: Audience | undefined;
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
      if (parsed !== null) deps.rest().note(parsed, payload);
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
