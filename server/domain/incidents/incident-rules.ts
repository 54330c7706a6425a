import type { GapCause } from "../gap.ts";

/** "critical": data is lost now or soon. "warning": needs attention. "info": already over, but worth knowing. */
export type IncidentSeverity = "info" | "warning" | "critical";

/** Rank of a severity; sorts the most severe first. */
export const severityOrder: Readonly<Record<IncidentSeverity, number>> = { critical: 0, warning: 1, info: 2 };

/** Unit of `value`, `worst` and `limit` of an incident: a "ratio" is a share from 0 to 1; "count" is a plain number. */
export type IncidentUnit = "s" | "ms" | "bytes" | "ratio" | "count";

/** A number in `[alerts.<rule>]`: its default and its accepted range. */
export type RuleSetting = {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
};

/** The facts about one rule that the config, the monitor, the page, the bot and the metrics share. */
export type RuleFacts = {
  /** Severities that its incidents can have. */
  readonly severities: readonly IncidentSeverity[];
  /** Unit of its figure; null for a rule without a figure. */
  readonly unit: IncidentUnit | null;
  /** The smallest value is the worst: free space, time left. */
  readonly lessIsWorse?: true;
  /** The figure is the time for which the incident has lasted. */
  readonly figureIsAge?: true;
  /** Its incidents are over before they are reported. */
  readonly isPast?: true;
  /** While any of these rules finds a problem, this rule is silent. Parents come earlier in the table. */
  readonly parents?: readonly string[];
  /** Causes of the gaps that count as the cost of this rule's incidents. */
  readonly costs?: readonly GapCause[];
  /** Its incidents as such lose no records. */
  readonly isHarmless?: true;
  /** Keys of `[alerts.<rule>]` beside `enabled`. */
  readonly settings: Readonly<Record<"hold_s" | "clear_s", RuleSetting>> & Readonly<Record<string, RuleSetting>>;
};

const either = ["warning", "critical"] as const;

/** Every rule once, in the order in which rules are evaluated. ops/rt-data.example.toml documents the settings. */
const facts = {
  disconnected: {
    severities: either,
    unit: "s",
    figureIsAge: true,
    costs: ["reconnect", "silent", "serverShutdown", "exchange_down", "missing", "host_asleep"],
    settings: times(30, 30),
  },
  write_error: {
    severities: ["critical"],
    unit: null,
    costs: ["disk", "overflow"],
    settings: times(5, 30),
  },
  crash_recovered: {
    severities: ["info"],
    unit: "s",
    isPast: true,
    costs: ["crash"],
    settings: { ...times(0, 0), keep_s: whole(300, 1, 86_400) },
  },
  disk_low: {
    severities: either,
    isHarmless: true,
    unit: "bytes",
    lessIsWorse: true,
    parents: ["write_error"],
    settings: { ...times(60, 300), warning_percent: decimal(10, 0, 100), critical_percent: decimal(3, 0, 100) },
  },
  disk_forecast: {
    severities: either,
    isHarmless: true,
    unit: "s",
    lessIsWorse: true,
    parents: ["write_error", "disk_low"],
    settings: { ...times(600, 1800), warning_hours: decimal(72, 0, 8760), critical_hours: decimal(12, 0, 8760) },
  },
  reconnect_storm: {
    severities: ["warning"],
    unit: "count",
    parents: ["disconnected"],
    settings: { ...times(0, 300), warning_count: whole(5, 1, 10_000), window_s: whole(600, 1, 86_400) },
  },
  stale: {
    severities: either,
    unit: "s",
    figureIsAge: true,
    parents: ["disconnected"],
    costs: ["silent", "missing"],
    settings: { ...times(60, 30), never_s: whole(300, 1, 86_400) },
  },
  delay: {
    severities: either,
    unit: "ms",
    parents: ["disconnected"],
    costs: ["latency"],
    settings: { ...times(60, 300), warning_ms: whole(1000, 1, 600_000), critical_ms: whole(10_000, 1, 600_000) },
  },
  clock_offset: {
    severities: either,
    isHarmless: true,
    unit: "ms",
    parents: ["disconnected"],
    settings: { ...times(120, 300), warning_ms: whole(500, 1, 86_400_000), critical_ms: whole(5000, 1, 86_400_000) },
  },
  gap: {
    severities: ["warning"],
    unit: "s",
    isPast: true,
    parents: ["disconnected", "write_error"],
    costs: [
      ...(["reconnect", "silent", "serverShutdown", "exchange_down", "missing"] as const),
      ...(["overflow", "disk", "latency", "host_asleep", "restart"] as const),
    ],
    settings: {
      ...times(60, 600),
      warning_s: decimal(10, 0, 86_400),
      warning_records: whole(1, 1, 1_000_000_000),
      restart_s: whole(300, 0, 86_400),
    },
  },
  memory: {
    severities: ["warning"],
    isHarmless: true,
    unit: "bytes",
    settings: { ...times(120, 300), process_mb: whole(1000, 1, 10_000_000), machine_percent: decimal(95, 1, 100) },
  },
  cpu: {
    severities: ["warning"],
    isHarmless: true,
    unit: "ratio",
    settings: { ...times(300, 300), warning_percent: decimal(95, 1, 100) },
  },
  backlog: {
    severities: ["warning"],
    isHarmless: true,
    unit: "count",
    parents: ["write_error", "disk_low"],
    settings: {
      ...times(600, 300),
      segments_per_stream: decimal(6, 0, 10_000),
      days_per_stream: decimal(1, 0, 10_000),
    },
  },
  fault: { severities: ["warning"], isHarmless: true, unit: "count", parents: ["write_error"], settings: times(0, 60) },
  verify_failed: {
    severities: ["critical"],
    unit: null,
    settings: { ...times(0, 0), keep_hours: whole(24, 1, 8760) },
  },
  catalogue_away: {
    severities: ["warning"],
    isHarmless: true,
    unit: null,
    parents: ["write_error"],
    settings: times(5, 10),
  },
  retention: { severities: ["warning"], isHarmless: true, unit: "count", settings: times(0, 60) },
  symbol_unknown: { severities: ["warning"], unit: null, settings: times(30, 0) },
  upload: {
    severities: ["warning"],
    isHarmless: true,
    unit: "count",
    parents: ["disconnected"],
    settings: times(600, 60),
  },
  upload_object: {
    severities: ["warning"],
    isHarmless: true,
    unit: null,
    parents: ["disconnected"],
    settings: times(0, 60),
  },
  dataset: {
    severities: ["warning"],
    isHarmless: true,
    unit: "count",
    parents: ["write_error", "disk_low"],
    settings: times(600, 60),
  },
  public_url: {
    severities: ["warning"],
    isHarmless: true,
    unit: "s",
    lessIsWorse: true,
    parents: ["disconnected"],
    settings: {
      ...times(120, 60),
      every_s: whole(60, 5, 86_400),
      timeout_s: whole(10, 1, 60),
      certificate_days: whole(10, 0, 365),
    },
  },
} as const satisfies Readonly<Record<string, RuleFacts>>;

/** A rule of the alerts, as the config names it. */
export type IncidentRule = keyof typeof facts;

/** The facts about each rule. A parent that is not a rule does not compile. */
export const ruleFacts: Readonly<Record<IncidentRule, RuleFacts & { readonly parents?: readonly IncidentRule[] }>> =
  facts;

/** Every rule, parents before their children. */
export const incidentRules = Object.keys(facts) as readonly IncidentRule[];

/** The settings of each rule by name. */
export type RuleSettings = { readonly [R in IncidentRule]: (typeof facts)[R]["settings"] };

/** Severities that a rule's incidents can have. */
export type SeverityOf<R extends IncidentRule> = (typeof facts)[R]["severities"][number];

/** Settings for how long a condition must last to become an incident, and must be absent to end the incident. */
function times(holdSeconds: number, clearSeconds: number) {
  return { hold_s: whole(holdSeconds, 0, 86_400), clear_s: whole(clearSeconds, 0, 86_400) };
}

function whole(fallback: number, min: number, max: number): RuleSetting {
  return { fallback, min, max, isWhole: true };
}

function decimal(fallback: number, min: number, max: number): RuleSetting {
  return { fallback, min, max, isWhole: false };
}
