import type { AlertSettings } from "../../config/alert-keys.ts";
import type { Gap } from "../../domain/gap.ts";
import type { Incident } from "../../domain/incidents/incident.ts";
import type { IncidentRule, SeverityOf } from "../../domain/incidents/incident-rules.ts";
import type { Observation } from "../observation.ts";

/** What a rule finds wrong at one moment. */
export type RuleFinding<R extends IncidentRule = IncidentRule> = {
  readonly severity: SeverityOf<R>;
  readonly subjects: readonly string[];
  readonly value: number | null;
  readonly limit: number | null;
  readonly detail: string | null;
  /** When it began, µs, where that is known better than by looking. */
  readonly fromUs?: number | null;
  /** It is over already, since then, µs; it is only told of. */
  readonly overUs?: number;
  /** It has lasted long enough by the rule's own judgement. */
  readonly isHeld?: boolean;
  /** Only a part of what the rule watches: nothing else follows from it, so no other rule keeps silent for it. */
  readonly isPartial?: boolean;
};

/** What a rule looks at. */
export type Look<R extends IncidentRule = IncidentRule> = {
  readonly seen: Observation;
  readonly nowUs: number;
  readonly settings: AlertSettings[R];
  /** It is being watched already, or is an incident: it takes less to stay one than to become one. */
  readonly isRaised: boolean;
  readonly open: Incident | null;
  /** What was before does not count: a start, a sleep of the machine, the end of what it was a consequence of; µs. */
  readonly sinceUs: number;
  /** An incident of one of the parents tells of this gap. */
  readonly isTold: (gap: Gap) => boolean;
};

/** Checks one rule. An answer of null means that nothing is wrong; "unknown" leaves everything as it is. */
export type FindRule<R extends IncidentRule = IncidentRule> = (look: Look<R>) => RuleFinding<R> | null | "unknown";

/** How each rule is checked; a rule that is missing does not compile. */
export type RuleTable = { readonly [R in IncidentRule]: FindRule<R> };
