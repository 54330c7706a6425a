import type { GapCause } from "../gap.ts";
import type { StreamFolder } from "../stream.ts";

/** Price and quantity, as texts of the exchange. */
export type BookLevel = readonly [price: string, quantity: string];

/**
 * Why there is no book at an instant.
 *
 * | reason | meaning |
 * |---|---|
 * | `gap` | The instant lies in a recorded gap. |
 * | `missing_ids` | Update ids are missing around the instant, and no REST book had come since. |
 * | `no_rest_book` | Diffs are recorded, but no REST book to which they can be joined. |
 * | `silent` | The newest record of a book is too old: the book may have changed since. |
 * | `not_recorded` | No record of a book can be read on this day before the instant. |
 */
export type NoBookReason = "gap" | "missing_ids" | "no_rest_book" | "silent" | "not_recorded";

/** The order book of a symbol at an instant, as far as it was received by then. */
export type BookAtInstant = {
  readonly symbol: string;
  readonly at_us: number;
  /** `depth`: rebuilt from a REST book and diffs. `depth20`, `depth10`, `depth5`: the nearest partial book before the instant. Null without a book. */
  readonly source: StreamFolder | null;
  /** Receipt of the newest record in the book, µs, and how long before the instant that was. */
  readonly recv_us: number | null;
  readonly age_ms: number | null;
  readonly last_update_id: number | null;
  /** The REST book from which the book was rebuilt; null for a partial book. */
  readonly rest_book: { readonly recv_us: number; readonly last_update_id: number } | null;
  /** Best first. Empty without a book. */
  readonly bids: readonly BookLevel[];
  readonly asks: readonly BookLevel[];
  /** Why there is no book; null with a book. */
  readonly reason: NoBookReason | null;
  /** The recorded gap that holds the instant; null with a book, or if the instant lies in no recorded gap. */
  readonly gap: { readonly from_us: number; readonly to_us: number; readonly cause: GapCause } | null;
  /** Without a book: the newest record of a book before the instant; null if this day has no such record. */
  readonly before: { readonly source: StreamFolder; readonly recv_us: number } | null;
};
