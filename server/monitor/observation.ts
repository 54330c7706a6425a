import type { Gap } from "../domain/gap.ts";
import type { Status } from "../domain/status.ts";

/** Archives that exceed a retention limit but wait, because at most `limit` dates are removed per hour. */
export type WaitingRemovals = {
  readonly dates: number;
  readonly archives: number;
  /** The oldest date; `to` is the latest. */
  readonly from: string;
  readonly to: string;
  readonly limit: number;
};

/** Whether the recorder is reachable from outside by its public name. */
export type PublicUrlState =
  | { readonly kind: "reached"; readonly host: string; readonly expiresInS: number | null }
  /** `detail` names the problem and its remedy. */
  | { readonly kind: "unreachable"; readonly host: string; readonly detail: string };

/** The input of the rules: all facts at one moment. */
export type Observation = {
  readonly status: Omit<Status, "alerts">;
  /** Why records cannot be written now, or null. */
  readonly writeFailure: string | null;
  /** Parts of the program that failed within the last minute, with the reason. */
  readonly faults: readonly { readonly part: string; readonly reason: string }[];
  /** When connections were lost or could not be made, µs; at least the latest hundred. */
  readonly reconnectsUs: readonly number[];
  /** Recently ended gaps that have been recorded. Open gaps are in the status. */
  readonly gaps: readonly Gap[];
  /** If the previous run did not end in an orderly way, and until that is reported: when, and the repairs. */
  readonly crash: { readonly fromUs: number; readonly toUs: number; readonly detail: string } | null;
  /** Archives verified since the last observation. `problem` is null for a valid archive. */
  readonly verified: readonly { readonly subject: string; readonly problem: string | null }[];
  /** Suggested spellings of symbols that the exchange does not know, and new names of symbols that it has renamed. */
  readonly suggestions: ReadonlyMap<string, string>;
  /** Null if no archive is waiting to be removed. */
  readonly removalsWaiting: WaitingRemovals | null;
  /** Null if not yet known, or if no public URL is configured. */
  readonly publicUrl: PublicUrlState | null;
};
