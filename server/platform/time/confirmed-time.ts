/**
 * The time, if more than this machine's clock vouches for it. Whatever deletes, expires or merges a past day is handed this type
 * and never a plain clock: an unconfirmed time must not remove anything. `why` says what is wrong and what to do, for people.
 */
export type ConfirmedTime =
  | { readonly kind: "confirmed"; readonly us: number }
  | { readonly kind: "unconfirmed"; readonly why: string };

/** Tells the confirmed time. Cheap enough to be called every second. */
export type TimeAuthority = {
  /** What the exchange confirms at this moment: enough to merge a day that is over, which loses nothing. */
  now(): ConfirmedTime;
  /** The same, but unconfirmed soon after a start or a step of the clock: for everything that deletes or expires. */
  settled(): ConfirmedTime;
};
