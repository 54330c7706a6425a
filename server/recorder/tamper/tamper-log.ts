import type { Stream } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import type { Tampering } from "../write/stream-writer-types.ts";
import type { Loss } from "./written-bytes.ts";

/** Logs segments that another program has changed, and reports lost records. */
export type TamperLog = { report(stream: Stream, path: string, tampering: Tampering, loss: Loss | null): void };

/** Time in which further changed segments are only counted, ms: a program that changes one file often changes all. */
const gatherMs = 5000;

/** Creates the log. */
export function createTamperLog(deps: { log: Log; onLost: (stream: Stream, loss: Loss) => void }): TamperLog {
  const { log } = deps;
  const counted = new Map<string, { segments: number; records: number }>();

  function logRest(message: string): void {
    const rest = counted.get(message);
    counted.delete(message);
    if (rest !== undefined && rest.segments > 0)
      log.error(message, { more_segments: rest.segments, records_lost: rest.records });
  }

  return {
    report(stream, path, tampering, loss) {
      if (loss !== null) deps.onLost(stream, loss);
      const message = `a segment was ${tampering} while it was open; ${
        loss === null ? "it was restored" : "records are lost, which is a gap"
      }`;
      const counter = counted.get(message);
      if (counter !== undefined) {
        counter.segments++;
        counter.records += loss?.records ?? 0;
        return;
      }
      counted.set(message, { segments: 0, records: 0 });
      log.error(message, loss === null ? { path } : { path, records_lost: loss.records });
      setTimeout(() => logRest(message), gatherMs).unref();
    },
  };
}
