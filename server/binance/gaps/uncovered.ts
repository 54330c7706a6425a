import type { GapCause } from "../../domain/gap.ts";
import type { Cursor, Sequence } from "./sequence-types.ts";

/**
 * A gap that has not ended. `alone`: only the stream's next record ends it, because the connection delivers other streams. `provable`: the
 * id before the gap is known, so the next id can prove that no record was missed.
 */
export type OpenGap = { readonly fromUs: number; cause: GapCause; readonly alone: boolean; readonly provable: boolean };

/** A gap that has ended. */
export type Span = OpenGap & { readonly toUs: number };

type Spans = { readonly spans: Span[]; readonly sequence: Pick<Sequence, "cursors" | "missingIds"> };

/** Adds the parts of a span that no connection except those in `between` has covered; false if there are none. */
export function addUncovered(
  state: Spans,
  { fromUs, toUs }: { readonly fromUs: number; readonly toUs: number },
  cause: GapCause,
  between: readonly Cursor[],
): boolean {
  const { sequence, spans } = state;
  const others = sequence.cursors().filter((cursor) => !between.includes(cursor));
  let atUs = fromUs;
  const before = spans.length;
  const push = (endUs: number) => addSpan(state, { fromUs: atUs, toUs: endUs }, cause);
  for (const { firstUs, lastUs } of others.toSorted((a, b) => a.firstUs - b.firstUs)) {
    if (lastUs <= atUs || firstUs >= toUs) continue;
    if (firstUs > atUs) push(firstUs);
    atUs = lastUs;
  }
  // The last record of the one and the first record of the other may have the same receipt time.
  const endUs = Math.max(toUs, fromUs + 1);
  if (atUs < endUs) push(endUs);
  return spans.length > before;
}

/** Adds a gap that has ended. */
export function addSpan({ spans, sequence }: Spans, span: Pick<Span, "fromUs" | "toUs">, cause: GapCause): void {
  spans.push({ ...span, cause, alone: false, provable: sequence.missingIds !== null });
}
