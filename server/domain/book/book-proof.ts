import type { StreamFolder } from "../stream.ts";

/** A quantity of the rebuilt book that a recorded book contradicts. */
export type BookDifference = {
  /** Stream of the recorded book, and the update id as of which it is. */
  readonly stream: StreamFolder;
  readonly id: number;
  readonly side: "bid" | "ask";
  readonly price: string;
  /** Quantity in the recorded book; 0 if it does not have the price. */
  readonly expected: string;
  /** Quantity in the book rebuilt from REST book and diffs; 0 if it does not have the price. */
  readonly found: string;
};

/**
 * Why part of a day, or all of it, could not be proved.
 *
 * | reason | meaning |
 * |---|---|
 * | `no_rest_book` | No REST book to which the diffs can be joined. |
 * | `no_witness` | No recorded book as of the same update id. |
 * | `missing_ids` | Update ids are missing; until the next REST book there was no book to compare. |
 * | `unreadable` | A file could not be read. |
 */
export type UnprovableReason = "no_rest_book" | "no_witness" | "missing_ids" | "unreadable";

/** What the books of a day prove about its diffs. This is the member `book` of the manifest. */
export type BookProof = {
  /** Recorded books (REST, partial, best prices) that were compared with the book rebuilt from REST book and diffs. */
  readonly proved: number;
  readonly compared_levels: number;
  /** Different quantities. The same difference counts once, however many books show it. */
  readonly differences: number;
  /** Why something was not proved; null if everything behind the day's first REST book was. */
  readonly unprovable: UnprovableReason | null;
};

/** A proof with its findings; each list is bounded. */
export type ProvedBooks = BookProof & {
  readonly found: readonly BookDifference[];
  /** Update ids that are missing between two diffs. */
  readonly missing: readonly { readonly fromId: number; readonly toId: number }[];
  /** Compared books by stream. */
  readonly witnesses: Readonly<Record<StreamFolder, number>>;
};
