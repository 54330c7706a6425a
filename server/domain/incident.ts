import type { IncidentRule, IncidentSeverity, IncidentUnit } from "./incident-rules.ts";
import type { Page } from "./queries.ts";

/** Something that is not as it should be, from its beginning to its end: one incident is one message. */
export type Incident = {
  /** Never used twice, rising. */
  readonly id: number;
  readonly rule: IncidentRule;
  readonly severity: IncidentSeverity;
  /** When its cause began (not when it had lasted long enough to be told), µs. */
  readonly from_us: number;
  /** When it was over, µs, or null while it lasts. */
  readonly to_us: number | null;
  /** Of the newest change that is worth telling. */
  readonly changed_us: number;
  /** What it concerns now, or concerned last: `BTCUSDT`, `BTCUSDT depth20`, a host; the first fifty, in order. Empty: the whole recorder. */
  readonly subjects: readonly string[];
  /** How many in all. */
  readonly subject_count: number;
  /** The watched figure now, its worst so far, and the limit it crossed, in the rule's unit; null where the rule has none. */
  readonly value: number | null;
  readonly worst: number | null;
  readonly limit: number | null;
  /** What the source says of it (an error, a path, a host) as it says it, in English; never a secret. Null where there is nothing to add. */
  readonly detail: string | null;
  /** Records that are known to be lost to it so far, refetched ones not counted; null where nobody can tell. */
  readonly records_lost: number | null;
  /**
   * Of streams whose ids cannot tell (books, diffs): about how many more, from their usual rate and how long they were missing. An
   * estimate, and to be called one; null or not there where there is nothing to estimate.
   */
  readonly records_lost_estimate?: number | null;
  /** How often it came and went within this one incident; 0 for a plain one. */
  readonly flaps: number;
  readonly acknowledged: { readonly at_us: number; readonly by: string } | null;
};

/** What happened to an incident: one that is "worse" concerns more, or has become critical. */
export type IncidentChange = "opened" | "worse" | "changed" | "acknowledged" | "closed";

/** Nobody is told of a rule (null: of any) until then. "maintenance" also keeps incidents from counting as unread. */
export type Mute = {
  readonly id: number;
  readonly rule: IncidentRule | null;
  /** Of this symbol alone, or null. */
  readonly symbol: string | null;
  readonly from_us: number;
  readonly until_us: number;
  readonly by: string;
  readonly kind: "mute" | "maintenance";
};

/** Incidents as page, API, bot and metrics see them. */
export type Incidents = {
  /** Those that last, the gravest first, then the oldest. */
  open(): readonly Incident[];
  get(id: number): Incident | null;
  /** Newest first; `after` is the `next` of the page before. */
  page(limit: number, after: string | null): Page<Incident>;
  /** Somebody knows: no more repeats. False where there is no such open incident. */
  acknowledge(id: number, by: string): boolean;
  mutes(): readonly Mute[];
  mute(what: Pick<Mute, "rule" | "symbol" | "kind">, untilUs: number, by: string): Mute;
  /** Ends a mute, or all of them (null); returns how many there were. */
  unmute(id: number | null): number;
  /** True while nobody is to be told of it. */
  isMuted(incident: Incident): boolean;
  /** Called after each change has been written down, in order. */
  onChange(listener: (incident: Incident, change: IncidentChange) => void): void;
};

/** An incident as the live status has it: the first five of its subjects, its unit, and whether nobody is to be told of it now. */
export type OpenIncident = Incident & { readonly unit: IncidentUnit | null; readonly muted: boolean };

/** The alerts of this moment, for those who look. */
export type AlertStatus = {
  /** The gravest first, then the oldest. */
  readonly open: readonly OpenIncident[];
  /** Until when nobody is told of anything, µs, or null outside of a maintenance. */
  readonly maintenance_until_us: number | null;
};

/** How grave: the gravest first when sorted by it. */
export const severityOrder: Readonly<Record<IncidentSeverity, number>> = { critical: 0, warning: 1, info: 2 };

/** Gravest first, then oldest first. */
export function byGravity(a: Incident, b: Incident): number {
  return severityOrder[a.severity] - severityOrder[b.severity] || a.from_us - b.from_us || a.id - b.id;
}

/** Keeps incidents and mutes from one run to the next; its methods throw where they cannot be kept. */
export type KeptIncidents = {
  /** Those that last, oldest first. */
  open(): readonly Incident[];
  /** Those that ended at `sinceUs` or later, oldest first, 200 at most. */
  endedSince(sinceUs: number): readonly Incident[];
  /** The highest id that was ever kept, 0 for none. */
  lastId(): number;
  /** Keeps it, or what is known of it now; of those that are over the oldest are forgotten. */
  save(incident: Incident): void;
  get(id: number): Incident | null;
  /** All of them, newest first; `after` is the `next` of the page before. A strange `after` begins anew. */
  page(limit: number, after: string | null): Page<Incident>;
  mutes(): readonly Mute[];
  saveMute(mute: Mute): void;
  removeMute(id: number): void;
};
