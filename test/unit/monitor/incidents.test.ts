import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Catalogue, openCatalogue } from "../../../server/catalogue/catalogue.ts";
import type { Incident, IncidentChange } from "../../../server/domain/incidents/incident.ts";
import { type Cost, createIncidents } from "../../../server/monitor/incidents.ts";
import type { Observation } from "../../../server/monitor/observation.ts";
import { createLog, silentLog } from "../../../server/platform/log/log.ts";
import { closed, defaultAlerts, observe, startUs } from "../../support/fakes/observation.ts";
import { temporaryFolder } from "../../support/folder.ts";

const down = (now: number) =>
  observe(
    now,
    {},
    {
      connections: closed(observe(now).status, "ENOTFOUND"),
      symbols: observe(now).status.symbols.map((one) => ({ ...one, last_recv_us: startUs })),
    },
  );
const failing = (now: number) => observe(now, { writeFailure: "write x: EIO" });

/** A program with controllable time and a catalogue on disk. A restart opens the same file again. */
function createProgram(dataDir = temporaryFolder(), log = silentLog) {
  let nowUs = startUs;
  let cost: Cost = { records_lost: null, records_lost_estimate: null };
  const told: string[] = [];
  const seen: { incident: Incident; change: IncidentChange }[] = [];
  let catalogue: Catalogue;
  let incidents: ReturnType<typeof createIncidents>;

  function start(): void {
    catalogue = openCatalogue(dataDir);
    const kept = () => catalogue.incidents;
    incidents = createIncidents(defaultAlerts, { kept, nowUs: () => nowUs, costOf: () => cost, log });
    incidents.start();
    incidents.onChange((incident, change) => {
      seen.push({ incident, change });
      if (change !== "changed") told.push(`${incident.rule} ${change}`);
      // The gap is recorded already.
      expect(catalogue.incidents.get(incident.id)).toEqual(incident);
    });
  }
  start();
  return {
    told,
    seen,
    now: () => nowUs,
    get incidents() {
      return incidents;
    },
    get catalogue() {
      return catalogue;
    },
    costs(next: Cost) {
      cost = next;
    },
    run(seconds: number, look: (now: number) => Observation = observe) {
      for (const endUs = nowUs + seconds * 1e6; nowUs < endUs; ) {
        nowUs += 5e6;
        incidents.evaluate(look(nowUs));
      }
    },
    /** Simulates a crash and a start the given number of seconds later. */
    restart(laterS: number) {
      catalogue.close();
      nowUs += laterS * 1e6;
      start();
    },
  };
}

test("a restart neither repeats nor forgets an incident: it stays open and closes once", () => {
  const program = createProgram();
  program.run(40, down);
  const [before] = program.incidents.open();
  expect(before).toMatchObject({ rule: "disconnected", from_us: startUs });
  expect(program.incidents.acknowledge(before?.id ?? 0, "me")).toBe(true);
  program.restart(120);
  expect(program.incidents.open()).toMatchObject([{ id: before?.id, acknowledged: { by: "me" } }]);
  program.run(300, down);
  program.restart(1);
  program.run(120);
  expect(program.told).toEqual(["disconnected opened", "disconnected acknowledged", "disconnected closed"]);
  program.restart(1);
  program.run(60);
  expect(program.incidents.open()).toEqual([]);
  expect(program.told).toHaveLength(3);
  program.catalogue.close();
});

test("an incident whose cause vanished during an outage closes at the next start, with that start as its end", () => {
  const program = createProgram();
  program.run(60, failing);
  program.restart(3600);
  const startedUs = program.now();
  program.run(120);
  expect(program.told).toEqual(["write_error opened", "write_error closed"]);
  expect(program.seen.at(-1)?.incident.to_us).toBe(startedUs);
  program.catalogue.close();
});

test("the cost of an incident is known when it closes, and updated while trades are backfilled", () => {
  const program = createProgram();
  program.run(40, down);
  const totals = { ...observe(program.now()).status.totals, holes: 2, gaps: 9 };
  program.costs({ records_lost: 120, records_lost_estimate: 300 });
  program.run(60, (now) => observe(now, {}, { totals }));
  expect(program.told).toEqual(["disconnected opened"]);
  program.costs({ records_lost: 20, records_lost_estimate: 300 });
  program.run(60, (now) => observe(now, {}, { totals: { ...totals, holes: 0 } }));
  expect(program.seen.at(-1)).toMatchObject({
    change: "closed",
    incident: { records_lost: 20, records_lost_estimate: 300, value: 45 },
  });
  const id = program.seen.at(-1)?.incident.id ?? 0;
  program.costs({ records_lost: 0, records_lost_estimate: 300 });
  program.run(60, (now) => observe(now, {}, { totals: { ...totals, holes: 0, records_repaired: 20 } }));
  expect(program.incidents.get(id)?.records_lost).toBe(0);
  // A backfill that gives up leaves every total as it was.
  program.costs({ records_lost: 7, records_lost_estimate: 300 });
  program.run(65, (now) => observe(now, {}, { totals: { ...totals, holes: 0, records_repaired: 20 } }));
  expect(program.incidents.get(id)?.records_lost).toBe(7);
  program.restart(1);
  expect(program.incidents.get(id)?.records_lost).toBe(7);
  expect(program.told).toEqual(["disconnected opened", "disconnected closed"]);
  program.catalogue.close();
});

test("only an open incident can be acknowledged, only the first acknowledgement counts, and it can be taken back", () => {
  const program = createProgram();
  program.run(60, failing);
  const id = program.incidents.open()[0]?.id ?? 0;
  expect([program.incidents.acknowledge(id, "a"), program.incidents.acknowledge(id, "b")]).toEqual([true, true]);
  expect(program.incidents.acknowledge(id + 1, "a")).toBe(false);
  expect(program.incidents.get(id)?.acknowledged?.by).toBe("a");
  expect([program.incidents.acknowledge(id, null), program.incidents.acknowledge(id, null)]).toEqual([true, true]);
  expect(program.incidents.get(id)?.acknowledged).toBeNull();
  expect(program.incidents.acknowledge(id, "b")).toBe(true);
  program.run(60);
  expect(program.incidents.acknowledge(id, "a")).toBe(false);
  expect(program.told).toEqual(
    ["opened", "acknowledged", "unacknowledged", "acknowledged", "closed"].map((change) => `write_error ${change}`),
  );
  program.catalogue.close();
});

test("a mute covers its rule or symbol until it expires or is ended, across restarts; maintenance covers everything", () => {
  const program = createProgram();
  program.run(60, failing);
  const incident = () => program.incidents.open()[0] as Incident;
  const isMuted = () => program.incidents.isMuted(incident());
  const until = (minutes: number) => program.now() + minutes * 60e6;
  program.incidents.mute({ rule: "delay", symbol: null, kind: "mute" }, until(60), "me");
  program.incidents.mute({ rule: null, symbol: "BTCUSDT", kind: "mute" }, until(60), "me");
  expect(isMuted()).toBe(false);
  const of = (subjects: string[]) =>
    program.incidents.isMuted({ ...incident(), subjects, subject_count: subjects.length });
  expect([of(["BTCUSDT aggTrade"]), of(["BTCUSDT", "ETHUSDT"]), of(["BTCUSDTX"])]).toEqual([true, false, false]);
  const mute = program.incidents.mute({ rule: "write_error", symbol: null, kind: "mute" }, until(10), "me");
  expect(isMuted()).toBe(true);
  program.restart(60);
  expect([isMuted(), program.incidents.mutes().length]).toEqual([true, 3]);
  program.run(600, failing);
  expect([isMuted(), program.incidents.mutes().length]).toEqual([false, 2]);
  expect(program.incidents.unmute(mute.id)).toBe(0);
  program.incidents.mute({ rule: null, symbol: null, kind: "maintenance" }, until(30), "me");
  const longer = program.incidents.mute({ rule: null, symbol: null, kind: "maintenance" }, until(90), "me");
  expect(program.incidents.status()).toMatchObject({ maintenance_until_us: longer.until_us, open: [{ muted: true }] });
  expect([program.incidents.unmute(longer.id), isMuted()]).toEqual([1, false]);
  expect([program.incidents.unmute(null), program.incidents.mutes()]).toEqual([2, []]);
  expect(program.incidents.status().maintenance_until_us).toBeNull();
  program.catalogue.close();
});

test("an unwritable catalogue loses no incident: it is reported at once and saved later", () => {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line));
  const folder = temporaryFolder();
  const catalogue = openCatalogue(folder);
  let broken = false;
  let nowUs = startUs;
  const kept = () => {
    if (broken) throw new Error("database or disk is full");
    return catalogue.incidents;
  };
  const costOf = () => ({ records_lost: null, records_lost_estimate: null });
  const incidents = createIncidents(defaultAlerts, { kept, nowUs: () => nowUs, costOf, log });
  incidents.start();
  const told: string[] = [];
  incidents.onChange(({ rule }, change) => {
    told.push(`${rule} ${change}`);
    throw new Error("nobody listens");
  });
  const run = (seconds: number, look: (now: number) => Observation) => {
    for (const endUs = nowUs + seconds * 1e6; nowUs < endUs; ) {
      nowUs += 5e6;
      incidents.evaluate(look(nowUs));
    }
  };
  broken = true;
  run(20, failing);
  expect([told, incidents.open().length]).toEqual([["write_error opened"], 1]);
  const id = incidents.open()[0]?.id ?? 0;
  run(60, observe);
  expect(incidents.get(id)).toMatchObject({ rule: "write_error" });
  broken = false;
  run(40, down);
  expect(catalogue.incidents.get(id)).toMatchObject({ rule: "write_error", to_us: expect.any(Number) });
  expect(lines.join("")).toMatch(/cannot read or save incidents in the catalogue reason="database or disk is full"/);
  catalogue.close();
});

test("the history is bounded, drops the oldest, and is read by page, newest first; open incidents are never dropped", () => {
  const catalogue = openCatalogue(temporaryFolder());
  const store = catalogue.incidents;
  const one = (id: number, to_us: number | null) => ({ id, rule: "delay", from_us: id, to_us }) as Incident;
  catalogue.together(() => {
    store.save(one(1, null));
    for (let id = 2; id <= 2100; id++) store.save(one(id, id + 1));
  });
  expect([store.get(1)?.id, store.get(50), store.get(102)?.id]).toEqual([1, null, 102]);
  const ids: number[] = [];
  for (let after: string | null = null, more = true; more; ) {
    const page = store.page(500, after);
    ids.push(...page.items.map(({ id }) => id));
    after = page.next;
    more = after !== null;
  }
  expect([ids.length, ids[0], ids.at(-1)]).toEqual([2001, 2100, 1]);
  expect(ids).toEqual([...ids].sort((a, b) => b - a));
  catalogue.close();
});

test("a lost catalogue starts empty, and no id is reused", () => {
  const folder = temporaryFolder();
  const program = createProgram(folder);
  program.run(60, failing);
  const before = program.incidents.open()[0]?.id ?? 0;
  program.catalogue.close();
  const other = createProgram(join(temporaryFolder()));
  other.run(120, observe);
  other.run(60, failing);
  expect(other.incidents.open()[0]?.id ?? 0).toBeGreaterThan(before);
  other.catalogue.close();
});
