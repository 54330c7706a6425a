/**
 * A time that is confirmed by more than this machine's clock.
 * Code that deletes, expires or merges a past day takes this type, never a plain clock: an unconfirmed time must not remove data.
 * `why` tells people the reason and the remedy.
 */
export type ConfirmedTime =
  | { readonly kind: "confirmed"; readonly us: number }
  | { readonly kind: "unconfirmed"; readonly why: string };

/** Provides the confirmed time. Cheap enough to be called every second. */
export type TimeAuthority = {
  /** The time that the exchange confirms now. Enough to merge a day that is over, because merging loses no data. */
  now(): ConfirmedTime;
  /** Like `now`, but unconfirmed soon after a start or a clock step. For everything that deletes or expires data. */
  settled(): ConfirmedTime;
};
