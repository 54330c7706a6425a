import type { BookAtInstant } from "../../domain/book/book-at-instant.ts";
import { dateStartUs, dayUs } from "../../domain/day.ts";
import { clipGap, type Gap } from "../../domain/gap.ts";
import { bookAt } from "../../storage/book/book-at.ts";
import type { BookRequest } from "../../storage/book/book-lines.ts";
import { createSourceCheck } from "../../storage/read/source-check.ts";

/** A request to the book worker, with the gaps of the days around the instant. */
export type BookJob = BookRequest & { readonly gaps: readonly Gap[] };

const check = createSourceCheck();

/** Reads the book. Damaged files are left out; `verify` names them. */
export async function runBookJob({ gaps, ...request }: BookJob): Promise<BookAtInstant> {
  return await bookAt(request, {
    check,
    onDamage: () => {},
    gapsOf: ({ stream, symbol, date }) => {
      const fromUs = dateStartUs(date);
      const own = gaps.filter((gap) => gap.stream === stream && gap.symbol === symbol);
      return own.map((gap) => clipGap(gap, fromUs, fromUs + dayUs)).filter((gap) => gap !== null);
    },
  });
}
