import type { Carried } from "./carried.ts";
import type { Leftover } from "./predecessor.ts";
import type { Trail } from "./sequence.ts";

/** How far a stream is. */
export function trailOf({ sequence, lastRecvUs }: Carried): Trail & { readonly lastUs: number } {
  return { ...sequence.trail(), lastUs: lastRecvUs };
}

/** Gaps of a stream that nobody has been told of yet. */
export function leftoversOf({ stream, spans, gap }: Carried): readonly Leftover[] {
  const over = spans.map((span) => ({ stream: stream.name, ...span }));
  if (gap === null) return over;
  return [...over, { stream: stream.name, ...gap, toUs: null }];
}
