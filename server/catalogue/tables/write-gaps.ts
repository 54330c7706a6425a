import type { Gap } from "../../domain/gap.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import type { Tables } from "./tables.ts";

/** Gaps written in one transaction; takes a few ms. */
const gapsAtOnce = 500;

/**
 * Writes gaps to a file. Few gaps are written at once: true. Many gaps are written in turns with other work: false. `onDone` is called
 * at the end in both cases, unless the file is no longer `isCurrent`.
 *
 * @throws SQLite's error; an error of a later turn goes to `onError`
 */
export function writeGaps(
  tables: Tables,
  gaps: readonly Gap[],
  deps: { isCurrent: () => boolean; onDone: () => void; onError: (error: unknown) => void },
): boolean {
  const writePiece = (at: number) => tables.saveGaps(gaps.slice(at, at + gapsAtOnce));
  if (gaps.length <= gapsAtOnce) {
    writePiece(0);
    deps.onDone();
    return true;
  }
  const inTurns = async () => {
    for (let at = 0; at < gaps.length && deps.isCurrent(); at += gapsAtOnce) {
      writePiece(at);
      await nextTurn();
    }
    if (deps.isCurrent()) deps.onDone();
  };
  inTurns().catch((error) => deps.isCurrent() && deps.onError(error));
  return false;
}
