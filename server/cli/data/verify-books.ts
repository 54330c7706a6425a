import { proveBooks, provedFolder } from "../../archive/verify/prove-books.ts";
import type { BookDifference, ProvedBooks, UnprovableReason } from "../../domain/book/book-proof.ts";
import type { Day } from "../../domain/day.ts";
import { OperatorError } from "../../platform/errors.ts";
import type { SelectedStream } from "./selection.ts";
import { withNoun } from "./verify-report.ts";

/** The books of one day, proved or not. */
export type BookDay = Day & { readonly book: ProvedBooks };

/** Most differences and missing ids that are listed for a day. */
const mostListed = 20;

/**
 * Proves the books of each day with diffs, oldest first.
 * @throws OperatorError if there are no diffs; an error if it is stopped
 */
export async function proveSelected(
  { dataDir, tracks }: { readonly dataDir: string; readonly tracks: readonly SelectedStream[] },
  { stop, onProgress }: { readonly stop: AbortSignal; readonly onProgress: (share: number, item: string) => void },
): Promise<BookDay[]> {
  const days = tracks.flatMap(({ stream, days }) => (stream.type.folder === provedFolder ? days : []));
  if (days.length === 0)
    throw new OperatorError(`--books needs recorded diffs (${provedFolder}); the selection has no diffs`);
  const proved: BookDay[] = [];
  for (const [at, { stream, symbol, date }] of days.entries()) {
    const book = await proveBooks(
      dataDir,
      { symbol, date },
      {
        async onTurn(share) {
          onProgress((at + share) / days.length, `books of ${symbol} ${date}`);
          // Signals are handled between two turns.
          await Bun.sleep(0);
          if (stop.aborted) throw new Error("the proof of the books was stopped");
        },
      },
    );
    if (book !== null) proved.push({ stream, symbol, date, book });
  }
  return proved;
}

/** True if no recorded book contradicts the diffs. */
export function isUncontradicted({ book }: BookDay): boolean {
  return book.differences === 0;
}

/** Formats the proof: the summary, then a line per day with its findings below it. */
export function booksText(days: readonly BookDay[], isShown: (day: BookDay) => boolean): string {
  const proved = days.reduce((sum, { book }) => sum + book.proved, 0);
  const levels = days.reduce((sum, { book }) => sum + book.compared_levels, 0);
  const differences = days.reduce((sum, { book }) => sum + book.differences, 0);
  const summary = `books: ${withNoun(proved, "book")} rebuilt and compared, ${withNoun(levels, "level")}, ${withNoun(differences, "difference")}`;
  return `${[summary, ...days.filter(isShown).flatMap(linesOf)].join("\n")}\n`;
}

const reasons: Readonly<Record<UnprovableReason, string>> = {
  no_rest_book: "not proved: no REST book to which the diffs can be joined",
  no_witness: "not proved: no recorded book as of the same update id",
  missing_ids: "not proved in part: update ids are missing, and there is no book until the next REST book",
  unreadable: "not proved in part: a file could not be read",
};

function linesOf({ symbol, date, book }: BookDay): string[] {
  const verdict = book.differences > 0 ? "DIFFERS" : book.unprovable === null ? "proved" : "in part";
  const by = Object.entries(book.witnesses).map(([stream, count]) => `${count.toLocaleString("en")} by ${stream}`);
  const findings = [
    ...(book.unprovable === null ? [] : [reasons[book.unprovable]]),
    ...listed(
      book.missing.map(({ fromId, toId }) => `update ids ${fromId} to ${toId} are missing`),
      book.missing.length,
    ),
    ...listed(book.found.map(differenceText), book.differences),
  ];
  const counted = `${withNoun(book.proved, "book")}${by.length === 0 ? "" : ` (${by.join(", ")})`}`;
  return [
    `${verdict.padEnd(8)}  ${symbol}  ${date}  ${counted}, ${withNoun(book.compared_levels, "level")}, ${withNoun(book.differences, "difference")}`,
    ...findings.map((line) => `          ${line}`),
  ];
}

function listed(lines: readonly string[], count: number): string[] {
  const shown = lines.slice(0, mostListed);
  return count > shown.length ? [...shown, `and ${(count - shown.length).toLocaleString("en")} more`] : shown;
}

function differenceText({ stream, id, side, price, expected, found }: BookDifference): string {
  return `${stream} of update id ${id}, ${side} ${price}: expected ${expected}, found ${found}`;
}

/** Returns the JSON form of a day. */
export function bookJson({ symbol, date, book }: BookDay) {
  const { missing, ...rest } = book;
  return { symbol, date, ...rest, missing: missing.map(({ fromId, toId }) => ({ from_id: fromId, to_id: toId })) };
}
