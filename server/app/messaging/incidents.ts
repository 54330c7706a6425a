import type { LiveCatalogue } from "../../catalogue/live-catalogue.ts";
import type { StreamCost } from "../../catalogue/tables/incident-store.ts";
import type { Config } from "../../config/config.ts";
import type { Day } from "../../domain/day.ts";
import type { Gap, GapCause } from "../../domain/gap.ts";
import type { AlertStatus, Incident, Incidents } from "../../domain/incidents/incident.ts";
import type { Status } from "../../domain/status.ts";
import { parseStreamType } from "../../domain/stream.ts";
import { type Cost, createIncidents } from "../../monitor/incidents.ts";
import type { Observation } from "../../monitor/observation.ts";
import { createPublicUrlWatch } from "../../monitor/public-url.ts";
import { createUsualRates } from "../../monitor/usual-rates.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ReceiveClock } from "../../platform/time/receive-clock.ts";
import type { RecoveryReport } from "../../recorder/recover/recovery.ts";
import type { RecordingParts } from "../recording/recording.ts";

/** Watches the recorder for incidents, stores them, and lists them on request. */
export type AppIncidents = {
  readonly incidents: Incidents;
  /** A random id that `/health/live` answers, so that the recorder recognises itself at its public URL. */
  readonly instance: string;
  /**
   * Loads the incidents of earlier runs. `lastRun`: how the previous run ended, null if unknown. `downSinceUs`: since when no recorder
   * ran, µs; 0 at the first run.
   */
  start(lastRun: { readonly clean: boolean } | null, downSinceUs: number): void;
  /** Reports the end of recovery, which makes a crash known as an incident. */
  reportRecovered(report: RecoveryReport): void;
  /** Call it every second. Checks all rules every five seconds, and every second while an incident is open. */
  tick(status: () => Omit<Status, "alerts">): void;
  status(): AlertStatus;
  /** Reports a verified archive. `problem` is null if it matches its manifest. */
  reportVerified(day: Day, problem: string | null): void;
};

type Deps = {
  readonly catalogue: Pick<LiveCatalogue, "incidents" | "gapPages">;
  readonly parts: Pick<RecordingParts, "recorder" | "symbols">;
  readonly faults: () => Observation["faults"];
  readonly removalsWaiting: () => Observation["removalsWaiting"];
  readonly clock: Pick<ReceiveClock, "nowUs" | "steadyOf">;
  readonly startedUs: number;
  readonly log: Log;
};

/** Age limit of gaps that the rules see, µs; and the limit of their number, newest first. */
const recentUs = 1_800_000_000;
const mostGaps = 2000;
const mostReconnects = 1000;

/** Recorded gaps are read again when their number changes, and after this time, µs, as trades may have been backfilled. */
const readAgainUs = 30_000_000;

/** How often all rules are checked, s. A check costs as much as a second of an open dashboard. */
const checkEvery = 5;

/** A gap may begin this much before its incident, and end this much after it, µs. */
const slackUs = 5_000_000;

/** Creates the watch that `config.alerts` describes. */
export function createAppIncidents(config: Config, deps: Deps): AppIncidents {
  const { catalogue, log } = deps;
  const { nowUs, steadyOf } = deps.clock;
  const steadyUs = () => steadyOf(nowUs());
  const instance = crypto.randomUUID();
  const notifies =
    config.alerts.webhook_url !== "" ||
    config.alerts.channel.length > 0 ||
    (config.telegram.token !== "" && config.telegram.chats.length > 0);
  const usual = createUsualRates();
  const { every_s, timeout_s } = config.alerts.public_url;
  const url = config.alerts.public_url.enabled ? config.http.public_url : "";
  const publicUrl = createPublicUrlWatch(
    { url, everyMs: every_s * 1000, timeoutMs: timeout_s * 1000 },
    { instance, nowMs: () => nowUs() / 1000 },
  );
  const incidents = createIncidents(config.alerts, { kept: () => catalogue.incidents, nowUs, steadyUs, costOf, log });
  const reconnectsUs: number[] = [];
  let reconnects = 0;
  let verified: Observation["verified"][number][] = [];
  let crash: Observation["crash"] = null;
  /** Since when recording was interrupted by a crash, µs; 0 without a crash. */
  let crashedUs = 0;
  let gaps: readonly Gap[] = [];
  let gapsKey = "";
  let seconds = 0;

  function costOf(incident: Incident, causes: readonly GapCause[]): Cost {
    const toUs = incident.to_us ?? nowUs();
    const rows = catalogue.incidents
      .costs(causes, incident.from_us - slackUs, toUs + slackUs)
      .filter((row) => incident.rule !== "stale" || isNamed(incident, row));
    const counted = rows.filter((row) => row.counted > 0);
    const guesses = rows.flatMap(({ stream, symbol, uncounted_us }) => {
      const rate = uncounted_us > 0 ? usual.perSecond(stream, symbol) : null;
      return rate === null ? [] : [(uncounted_us / 1e6) * rate];
    });
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    return {
      records_lost: counted.length === 0 ? null : sum(counted.map(({ absent }) => absent)),
      records_lost_estimate: guesses.length === 0 ? null : Math.round(sum(guesses)),
    };
  }

  function updateReconnects(now: number, { totals }: Pick<Status, "totals">): void {
    for (let n = reconnects; n < totals.reconnects && n - reconnects < mostReconnects; n++) reconnectsUs.push(now);
    reconnectsUs.splice(0, reconnectsUs.length - mostReconnects);
    reconnects = totals.reconnects;
  }

  /** Reads recent gaps that have ended. Open gaps are left out, although the catalogue has them up to a moment ago. */
  function updateGaps(now: number, { totals, symbols }: Pick<Status, "totals" | "symbols">): void {
    const key = `${totals.gaps} ${totals.records_repaired} ${totals.holes} ${Math.floor(now / readAgainUs)}`;
    if (key === gapsKey) return;
    gapsKey = key;
    try {
      const openGaps = new Set<string>();
      for (const { symbol, streams } of symbols)
        for (const { stream, gap } of streams)
          if (gap !== null) openGaps.add(`${parseStreamType(stream)?.folder}/${symbol}/${gap.from_us}`);
      gaps = catalogue.gapPages
        .between(now - recentUs, now)
        .slice(-mostGaps)
        .filter(({ stream, symbol, from_us }) => !openGaps.has(`${stream}/${symbol}/${from_us}`));
    } catch (error) {
      log.warn("cannot read gaps from the catalogue", { reason: messageOf(error) });
    }
  }

  function suggestions({ symbols }: Pick<Status, "symbols">): ReadonlyMap<string, string> {
    const bySymbol = new Map<string, string>();
    for (const { symbol, state } of symbols) {
      if (state !== "unknown" && state !== "delisted") continue;
      const known = deps.parts.symbols.stateOf(symbol);
      if (known.kind === "unknown" && known.didYouMean !== null) bySymbol.set(symbol, known.didYouMean);
      if (known.kind === "delisted" && known.renamedTo !== null) bySymbol.set(symbol, known.renamedTo);
    }
    return bySymbol;
  }

  return {
    incidents,
    instance,
    start(lastRun, downSinceUs) {
      incidents.start();
      incidents.onChange(({ rule }, change) => {
        if (rule === "crash_recovered" && change === "closed") crash = null;
      });
      if (lastRun?.clean !== true) crashedUs = downSinceUs;
    },
    reportRecovered({ repairs }) {
      if (crashedUs === 0) return;
      const outcome = repairs.length === 0 ? "no file needed a repair" : `${repairs.length} files were repaired`;
      const first = repairs[0] === undefined ? "" : `, ${repairs[0].path}: ${repairs[0].message}`;
      crash = { fromUs: crashedUs, toUs: deps.startedUs, detail: `${outcome}${first}` };
    },
    tick(read) {
      publicUrl.tick();
      const isCheckDue = seconds++ % checkEvery === 0;
      if (!isCheckDue && !incidents.isAlert()) return;
      const now = nowUs();
      const status = read();
      if (isCheckDue) usual.update(status);
      updateReconnects(now, status);
      updateGaps(now, status);
      const newlyVerified = verified;
      verified = [];
      incidents.evaluate({
        ...{ status, gaps, crash, reconnectsUs, verified: newlyVerified },
        faults: deps.faults(),
        removalsWaiting: deps.removalsWaiting(),
        writeFailure: deps.parts.recorder.failure(),
        suggestions: suggestions(status),
        publicUrl: publicUrl.state(),
      });
    },
    status: () => ({ ...incidents.status(), notifies }),
    reportVerified({ symbol, stream, date }, problem) {
      verified.push({ subject: `${symbol} ${stream} ${date}`, problem });
    },
  };
}

function isNamed({ subjects }: Incident, { stream, symbol }: StreamCost): boolean {
  return subjects.some((subject) => subject === symbol || subject === `${symbol} ${stream}`);
}
