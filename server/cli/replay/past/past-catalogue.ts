import { openCatalogue } from "../../../catalogue/catalogue.ts";
import { dayUs } from "../../../domain/day.ts";
import type { Incident } from "../../../domain/incidents/incident.ts";
import { type Sample, seriesNames } from "../../../domain/queries.ts";
import { type SeriesKey, seriesKey } from "../../../domain/stream.ts";
import type { SavedMinutes } from "../../../monitor/minute-rows.ts";
import { version } from "../../../platform/process/version.ts";
import type { PastMarket } from "./past-market.ts";
import type { PastPlan } from "./past-plan.ts";

const stepUs = 300_000_000;
const rolloverUs = 23 * 3_600_000_000;

/** Writes what only the catalogue knows of the past: its run, gaps, incidents, events, charts, and the minutes of today. */
export function writePastCatalogue(
  dataDir: string,
  plan: PastPlan,
  market: PastMarket,
  minutes: ReadonlyMap<SeriesKey, SavedMinutes>,
): void {
  const [beginUs, endUs] = [Math.round(plan.beginMs * 1000), plan.endMs * 1000];
  const catalogue = openCatalogue(dataDir);
  catalogue.together(() => {
    catalogue.beginRun(beginUs);
    catalogue.saveRun(endUs, true);
    catalogue.saveGaps(plan.gaps);
    catalogue.addEvent({ at_us: beginUs, kind: "start", message: `rt-data ${version}` });
    for (let us = beginUs + rolloverUs; us < endUs; us += rolloverUs)
      catalogue.addEvent({ at_us: us, kind: "rollover", message: "" });
    for (const [n, incident] of incidentsOf(plan).entries()) catalogue.incidents.save({ ...incident, id: n + 1 });
    catalogue.memory.keepSeries(seriesOf(plan));
    for (const [key, day] of minutes) catalogue.memory.keepMinutes(key, day);
    for (const symbol of new Set(plan.streams.map((stream) => stream.symbol))) {
      const lastMinute = Math.floor(plan.endMs / 60_000);
      const values = Array.from({ length: 60 }, (_, n) => market.priceAt(symbol, (lastMinute - 59 + n) * 60_000));
      catalogue.memory.keepMids(symbol, {
        fromUs: (lastMinute - 59) * 60_000_000,
        values: values.map((price) => Number(price.toPrecision(7))),
      });
    }
  });
  catalogue.close();
}

/** Returns an ended incident for each gap of the whole connection. */
function incidentsOf({ gaps }: PastPlan): Omit<Incident, "id">[] {
  const starts = new Set(gaps.filter(({ cause }) => cause !== "silent").map(({ from_us }) => from_us));
  return [...starts].map((fromUs) => {
    const gap = gaps.find(({ from_us }) => from_us === fromUs);
    const seconds = ((gap?.to_us ?? fromUs) - fromUs) / 1e6;
    return {
      rule: "disconnected",
      severity: "critical",
      from_us: fromUs,
      to_us: gap?.to_us ?? fromUs,
      changed_us: gap?.to_us ?? fromUs,
      subjects: [],
      subject_count: 0,
      value: seconds,
      worst: seconds,
      limit: 3,
      detail: gap?.cause === "reconnect" ? "closed by the exchange with code 1006" : "the exchange answered HTTP 503",
      records_lost: 0,
      records_lost_estimate: null,
      flaps: 0,
      acknowledged: null,
    };
  });
}

/** Returns a week of charts: busier by day, with small noise that is the same every time. */
function seriesOf({ beginMs, endMs, gaps }: PastPlan) {
  const endUs = endMs * 1000;
  const rows = [];
  for (let us = Math.ceil((endUs - 7 * dayUs) / stepUs) * stepUs; us + stepUs < endUs; us += stepUs) {
    if (us < beginMs * 1000) continue;
    const hours = us / 3.6e9;
    const wave =
      Math.sin((2 * Math.PI * (hours - 9)) / 24) + 0.25 * Math.sin(hours * 1.7) + 0.12 * Math.sin(hours * 11.3);
    const sample: Sample = {
      messages_per_s: 62 + 9 * wave,
      delay_p50_ms: 12.4 + 0.9 * Math.sin(hours * 2.3) + 0.4 * wave,
      gaps: gaps.filter(({ from_us }) => from_us >= us && from_us < us + stepUs).length,
      disk_free_bytes: null,
      memory_bytes: 118e6 + 3e6 * Math.sin(hours / 3),
      cpu_cores: 0.06 + 0.01 * wave,
      network_bytes_per_s: 92_000 + 14_000 * wave,
    };
    rows.push({ from_us: us, values: seriesNames.map((name) => sample[name]) });
  }
  return rows;
}

/** Counts today's rows by minute. */
export function countMinutes(plan: PastPlan, linesOf: ReadonlyMap<SeriesKey, readonly number[]>) {
  const dayStart = plan.midnightMs * 1000;
  const counted = new Map<SeriesKey, SavedMinutes>();
  for (const { type, symbol } of plan.streams) {
    const times = linesOf.get(seriesKey(type.folder, symbol)) ?? [];
    const rows = new Uint16Array(1440);
    for (const us of times) {
      const minute = Math.floor((us - dayStart) / 60_000_000);
      rows[minute] = (rows[minute] ?? 0) + 1;
    }
    const [firstUs, lastUs] = [times[0], times.at(-1)];
    if (firstUs !== undefined && lastUs !== undefined)
      counted.set(seriesKey(type.folder, symbol), { dayStart, firstUs, lastUs, rows });
  }
  return counted;
}
