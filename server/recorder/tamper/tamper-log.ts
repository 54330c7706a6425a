import type { Stream } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import type { Tampering } from "../write/stream-writer-types.ts";
import type { Loss } from "./written-bytes.ts";

/** Reports files that somebody has changed under us, and hands on what they have lost. */
export type TamperLog = { note(stream: Stream, path: string, what: Tampering, loss: Loss | null): void };

/** Whoever truncates one file mostly truncates them all: after the first line the others are counted, ms. */
const gatherMs = 5000;

/** Nothing was changed yet. */
export function createTamperLog(deps: { log: Log; onLost: (stream: Stream, loss: Loss) => void }): TamperLog {
  const { log } = deps;
  const counted = new Map<string, { segments: number; records: number }>();

  function tellRest(message: string): void {
    const rest = counted.get(message);
    counted.delete(message);
    if (rest !== undefined && rest.segments > 0)
      log.error(message, { more_segments: rest.segments, records_lost: rest.records });
  }

  return {
    note(stream, path, what, loss) {
      if (loss !== null) deps.onLost(stream, loss);
      const message = `a segment was ${what} while it was written to; ${
        loss === null ? "it has been written again" : "records are lost, which is a gap"
      }`;
      const open = counted.get(message);
      if (open !== undefined) {
        open.segments++;
        open.records += loss?.records ?? 0;
        return;
      }
      counted.set(message, { segments: 0, records: 0 });
      log.error(message, loss === null ? { path } : { path, records_lost: loss.records });
      setTimeout(() => tellRest(message), gatherMs).unref();
    },
  };
}
