import type { IncidentRule } from "../domain/incident.ts";
import { key, type ValuesOf } from "./sources.ts";
import { flag, integer, number } from "./values.ts";

const seconds = (fallback: number) => key(integer(0, 86_400), fallback);

/** What every rule has: whether it is watched, how long it has to last before it is an incident, and to be over before that ends. */
const times = (holdSeconds: number, clearSeconds: number) => ({
  enabled: key(flag, true),
  hold_s: seconds(holdSeconds),
  clear_s: seconds(clearSeconds),
});

/** The keys of `[alerts.<rule>]` with defaults that fit a home server; ops/rt-data.example.toml says what they mean. */
export const alertKeys = {
  disconnected: { ...times(30, 30) },
  reconnect_storm: {
    ...times(0, 300),
    warning_count: key(integer(1, 10_000), 5),
    window_s: key(integer(1, 86_400), 600),
  },
  stale: { ...times(60, 30), never_s: key(integer(1, 86_400), 300) },
  gap: {
    ...times(60, 600),
    warning_s: key(number(0, 86_400), 10),
    warning_records: key(integer(1, 1_000_000_000), 1),
    restart_s: key(integer(0, 86_400), 300),
  },
  delay: {
    ...times(60, 300),
    warning_ms: key(integer(1, 600_000), 1000),
    critical_ms: key(integer(1, 600_000), 10_000),
  },
  clock_offset: {
    ...times(120, 300),
    warning_ms: key(integer(1, 86_400_000), 500),
    critical_ms: key(integer(1, 86_400_000), 5000),
  },
  write_error: { ...times(5, 30) },
  fault: { ...times(0, 60) },
  disk_low: {
    ...times(60, 300),
    warning_percent: key(number(0, 100), 10),
    critical_percent: key(number(0, 100), 3),
  },
  disk_forecast: {
    ...times(600, 1800),
    warning_hours: key(number(0, 8760), 72),
    critical_hours: key(number(0, 8760), 12),
  },
  memory: {
    ...times(120, 300),
    process_mb: key(integer(1, 10_000_000), 1000),
    machine_percent: key(number(1, 100), 95),
  },
  cpu: { ...times(300, 300), warning_percent: key(number(1, 100), 95) },
  backlog: {
    ...times(600, 300),
    segments_per_stream: key(number(0, 10_000), 6),
    days_per_stream: key(number(0, 10_000), 1),
  },
  verify_failed: { ...times(0, 0), keep_hours: key(integer(1, 8760), 24) },
  crash_recovered: { ...times(0, 0), keep_s: key(integer(1, 86_400), 300) },
  catalogue_away: { ...times(5, 10) },
  retention: { ...times(0, 60) },
  symbol_unknown: { ...times(30, 0) },
  upload: { ...times(600, 60) },
  upload_object: { ...times(0, 60) },
  public_url: {
    ...times(120, 60),
    every_s: key(integer(5, 86_400), 60),
    timeout_s: key(integer(1, 60), 10),
    certificate_days: key(integer(0, 365), 10),
  },
} satisfies Record<IncidentRule, unknown>;

/** The checked settings of every rule. */
export type AlertSettings = ValuesOf<typeof alertKeys>;
