import type { Page } from "../queries.ts";
import { type IncidentRule, type IncidentSeverity, type IncidentUnit, severityOrder } from "./incident-rules.ts";

/** A problem from its beginning to its end. Each incident is one message. */
export type Incident = {
  /** Rises, and is never reused. */
  readonly id: number;
  readonly rule: IncidentRule;
  readonly severity: IncidentSeverity;
  /** When the cause began, µs. The incident opens later, after the condition has lasted for `hold_s`. */
  readonly from_us: number;
  /** When the incident ended, µs; null while it lasts. */
  readonly to_us: number | null;
  /** Time of the latest change worth reporting, µs. */
  readonly changed_us: number;
  /** The subjects affected now, or last: `BTCUSDT`, `BTCUSDT depth20`, a host. The first fifty, in order. Empty: the whole recorder. */
  readonly subjects: readonly string[];
  /** Number of affected subjects in all. */
  readonly subject_count: number;
  /** The watched figure now, its worst value, and the limit it crossed, in the rule's unit; null for a rule without a figure. */
  readonly value: number | null;
  readonly worst: number | null;
  readonly limit: number | null;
  /**
   * More detail in the source's own words (an error, a path, a host), in English and without secrets.
   * Null if there is no detail.
   */
  readonly detail: string | null;
  /** Records known to be lost to it so far, minus backfilled records; null if unknown. */
  readonly records_lost: number | null;
  /**
   * Estimated further loss of streams whose ids cannot count it (books, diffs), from usual rate and missing time.
   * Always present it as an estimate. Null or absent if there is no estimate.
   */
  readonly records_lost_estimate?: number | null;
  /** How often the problem came and went within this incident; 0 if it was there all the time. */
  readonly flaps: number;
  readonly acknowledged: { readonly at_us: number; readonly by: string } | null;
};

/** A change of an incident. "worse": it affects more subjects, or has become critical. */
export type IncidentChange = "opened" | "worse" | "changed" | "acknowledged" | "unacknowledged" | "closed";

/** Notifications of a rule (null: all rules) are paused until `until_us`. "maintenance" also keeps incidents from counting as unread. */
export type Mute = {
  readonly id: number;
  readonly rule: IncidentRule | null;
  /** Only this symbol, or null for all. */
  readonly symbol: string | null;
  readonly from_us: number;
  readonly until_us: number;
  readonly by: string;
  readonly kind: "mute" | "maintenance";
};

/** Incidents as page, API, bot and metrics see them. */
export type Incidents = {
  /** Returns open incidents, most severe first, then oldest first. */
  open(): readonly Incident[];
  get(id: number): Incident | null;
  /** Returns a page, newest first. `after` is the `next` of the page before. */
  page(limit: number, after: string | null): Page<Incident>;
  /** Marks an incident as known, which stops reminders; null takes that back. Returns false if there is no such open incident. */
  acknowledge(id: number, by: string | null): boolean;
  mutes(): readonly Mute[];
  mute(target: Pick<Mute, "rule" | "symbol" | "kind">, untilUs: number, by: string): Mute;
  /** Ends a mute, or all mutes (null). Returns how many it ended. */
  unmute(id: number | null): number;
  /** Returns true if the cause of an open incident is gone for now: it ends unless the cause returns. */
  isGone(id: number): boolean;
  /** Returns true while notifications of this incident are paused. */
  isMuted(incident: Incident): boolean;
  /** Calls the listener after each change has been saved, in order. */
  onChange(listener: (incident: Incident, change: IncidentChange) => void): void;
};

/** An incident in the live status: its first five subjects, its unit, and whether it is muted. */
export type OpenIncident = Incident & { readonly unit: IncidentUnit | null; readonly muted: boolean };

/** The current alerts in the live status. */
export type AlertStatus = {
  /** Most severe first, then oldest first. */
  readonly open: readonly OpenIncident[];
  /** End of the current maintenance, µs; null outside a maintenance. */
  readonly maintenance_until_us: number | null;
  /** True if incidents are sent to Telegram or a webhook. */
  readonly notifies: boolean;
};

/** Compares incidents: most severe first, then oldest first. */
export function byGravity(a: Incident, b: Incident): number {
  return severityOrder[a.severity] - severityOrder[b.severity] || a.from_us - b.from_us || a.id - b.id;
}

/** Stores incidents and mutes across runs. Its methods throw if storing fails. */
export type KeptIncidents = {
  /** Returns open incidents, oldest first. */
  open(): readonly Incident[];
  /** Returns incidents that ended at `sinceUs` or later, oldest first, at most 200. */
  endedSince(sinceUs: number): readonly Incident[];
  /** Returns the highest id ever stored; 0 without incidents. */
  lastId(): number;
  /** Stores an incident or its new state. The oldest ended incidents are dropped to bound the store. */
  save(incident: Incident): void;
  get(id: number): Incident | null;
  /** Returns a page, newest first. `after` is the `next` of the page before; an invalid `after` starts at the beginning. */
  page(limit: number, after: string | null): Page<Incident>;
  mutes(): readonly Mute[];
  saveMute(mute: Mute): void;
  removeMute(id: number): void;
};
