import type { AlertSettings } from "../../../server/config/alert-keys.ts";
import type { Incident } from "../../../server/domain/incidents/incident.ts";
import type { IncidentRule } from "../../../server/domain/incidents/incident-rules.ts";
import type { ConnectionStatus, Status, StreamStatus } from "../../../server/domain/status.ts";
import type { Observation } from "../../../server/monitor/observation.ts";
import { beginning, evaluate, type MonitorState } from "../../../server/monitor/rules/evaluate.ts";
import type { Change } from "../../../server/monitor/rules/rule-state.ts";
import { appConfig } from "../app-config.ts";
import { fakeStatus } from "./fake-status.ts";

/** A moment of a test's own, µs. */
export const startUs = Date.UTC(2026, 10, 22, 12) * 1000;

/** The default settings. */
export const defaultAlerts: AlertSettings = appConfig({}).alerts;

/** An observation without problems at a time, with changes. */
export function observe(nowUs: number, over: Partial<Observation> = {}, status: Partial<Status> = {}): Observation {
  const fake = fakeStatus(0, 3);
  const late = nowUs - fake.now_us;
  const symbols = fake.symbols.map((symbol) => ({
    ...symbol,
    last_recv_us: nowUs - 100_000,
    streams: symbol.streams.map((stream) => ({ ...stream, last_recv_us: nowUs - 100_000 })),
  }));
  return {
    status: {
      ...{ ...fake, now_us: nowUs, started_us: Math.min(startUs, nowUs), symbols },
      connections: fake.connections.map((one) => ({ ...one, since_us: one.since_us + late })),
      ...status,
    },
    ...{
      writeFailure: null,
      faults: [],
      removalsWaiting: null,
      reconnectsUs: [],
      gaps: [],
      crash: null,
      verified: [],
      suggestions: new Map(),
    },
    publicUrl: { kind: "reached", host: "data.example.org", expiresInS: 60 * 86_400 },
    ...over,
  };
}

/** The status with every connection, or those of these numbers, closed. */
export function closed(status: Omit<Status, "alerts">, why = "1006"): readonly ConnectionStatus[] {
  return status.connections.map((one) => ({ ...one, state: "waiting", last_error: why }));
}

/** The symbols with these streams, as `BTCUSDT` or `BTCUSDT aggTrade`, having a gap since then. */
export function silent(
  { symbols }: Pick<Status, "symbols">,
  who: readonly string[] | "all",
  gap: NonNullable<StreamStatus["gap"]>,
): Status["symbols"] {
  return symbols.map((symbol) => ({
    ...symbol,
    streams: symbol.streams.map((stream) =>
      who === "all" || who.includes(symbol.symbol) || who.includes(`${symbol.symbol} ${stream.stream}`)
        ? { ...stream, gap, last_recv_us: gap.from_us }
        : stream,
    ),
  }));
}

/** A watch whose time the test moves: looks every few seconds, and keeps all that has changed. */
export function createWatch(settings: AlertSettings = defaultAlerts, everyS = 5) {
  let nowUs = startUs;
  let state: MonitorState = beginning({ open: [], ended: [], lastId: 0 }, startUs);
  const changes: (Change & { readonly atS: number })[] = [];
  return {
    changes,
    nowUs: () => nowUs,
    /** Seconds since the beginning. */
    nowS: () => (nowUs - startUs) / 1e6,
    state: () => state,
    restart(open: readonly Incident[], ended: readonly Incident[], lastId: number, laterS: number) {
      nowUs += laterS * 1e6;
      state = beginning({ open, ended, lastId }, nowUs);
    },
    /** Lets time pass without evaluations. */
    sleep(seconds: number) {
      nowUs += seconds * 1e6;
    },
    /** Evaluates the observations of `look` for this many seconds. */
    run(seconds: number, look: (nowUs: number) => Observation = observe) {
      for (const endUs = nowUs + seconds * 1e6; nowUs < endUs; ) {
        nowUs += everyS * 1e6;
        const found = evaluate(state, look(nowUs), settings, nowUs);
        state = found.state;
        for (const change of found.changes) changes.push({ ...change, atS: (nowUs - startUs) / 1e6 });
      }
    },
    open: () => [...state.rules.values()].flatMap(({ incident }) => (incident === null ? [] : [incident])),
    /** `rule change` of everything that has happened. */
    told: () => changes.map(({ incident, change }) => `${incident.rule} ${change}`),
    of: (rule: IncidentRule) => changes.filter(({ incident }) => incident.rule === rule),
  };
}
