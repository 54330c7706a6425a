import type { Gap } from "../domain/gap.ts";
import type { Status } from "../domain/status.ts";

/** Archives that are over a limit of the retention and wait, since `limit` dates at most go in an hour. */
export type WaitingRemovals = {
  readonly dates: number;
  readonly archives: number;
  /** The oldest and the newest date. */
  readonly from: string;
  readonly to: string;
  readonly limit: number;
};

/** How the recorder looks from outside, by its public name. */
export type PublicUrlState =
  | { readonly kind: "reached"; readonly host: string; readonly expiresInS: number | null }
  /** `detail` says what was found and what to do about it. */
  | { readonly kind: "unreachable"; readonly host: string; readonly detail: string };

/** What the rules look at: everything that is known at one moment. */
export type Observation = {
  readonly status: Omit<Status, "alerts">;
  /** Why records cannot be written at this moment, or null. */
  readonly writeFailure: string | null;
  /** Parts of the program that failed within the last minute, and how. */
  readonly faults: readonly { readonly part: string; readonly reason: string }[];
  /** When connections were lost or could not be had, the newest hundred at least, µs. */
  readonly reconnectsUs: readonly number[];
  /** Gaps that ended lately and are written down; those that are not over yet stand in the status. */
  readonly gaps: readonly Gap[];
  /** How the run before this one ended, if not of its own will, until that is told: since when, and what was repaired, in words. */
  readonly crash: { readonly fromUs: number; readonly toUs: number; readonly detail: string } | null;
  /** Archives that were verified since the last look; `problem` is null where all was well. */
  readonly verified: readonly { readonly subject: string; readonly problem: string | null }[];
  /** For symbols that the exchange does not know: what was meant, perhaps. */
  readonly suggestions: ReadonlyMap<string, string>;
  /** Null where no archive waits to be removed. */
  readonly removalsWaiting: WaitingRemovals | null;
  /** Null where nothing is known yet, or nothing is to be watched. */
  readonly publicUrl: PublicUrlState | null;
};
