import { expect, test } from "bun:test";
import type { Gap } from "../../../server/domain/gap.ts";
import { type IncidentRule, incidentRules } from "../../../server/domain/incidents/incident-rules.ts";
import type { Hardware, Status } from "../../../server/domain/status.ts";
import type { Observation } from "../../../server/monitor/observation.ts";
import { beginning, evaluate, openOf } from "../../../server/monitor/rules/evaluate.ts";
import { rules } from "../../../server/monitor/rules/rules.ts";
import { disksOf } from "../../support/fakes/fake-status.ts";
import { closed, createWatch, defaultAlerts, observe, silent, startUs } from "../../support/fakes/observation.ts";

const hardware = (now: number, over: Partial<Hardware>) => ({ hardware: { ...observe(now).status.hardware, ...over } });
const disk = (now: number, over: Partial<NonNullable<Status["disk"]>>) => {
  const one = { ...(observe(now).status.disk as NonNullable<Status["disk"]>), ...over };
  return { disk: one, disks: disksOf(one) };
};
const delays = (now: number, ms: number) => ({
  symbols: observe(now).status.symbols.map((symbol, n) => (n === 0 ? { ...symbol, delay_ms: ms } : symbol)),
});
const aGap = (over: Partial<Gap> = {}): Gap => ({
  ...{ stream: "depth20", symbol: "BTCUSDT", from_us: startUs + 5e6, to_us: startUs + 30e6, cause: "reconnect" },
  ...{ missing: null, repaired: 0, ...over },
});

type Case = {
  readonly rule: IncidentRule;
  /** Conditions that open an incident, that only keep it open (hysteresis), and that end it. */
  readonly bad: (nowUs: number) => Observation;
  readonly between?: (nowUs: number) => Observation;
  readonly holdS: number;
  readonly clearS: number;
  readonly expected: object;
};

const gigabyte = 1e9;
const cases: readonly Case[] = [
  {
    rule: "disconnected",
    bad: (now) => {
      const symbols = observe(now).status.symbols.map((symbol) => ({ ...symbol, last_recv_us: startUs + 30e6 }));
      return observe(now, {}, { connections: closed(observe(now).status, "ENOTFOUND"), symbols });
    },
    ...{ holdS: 30, clearS: 30 },
    expected: { severity: "critical", subjects: ["stream.binance.com:9443"], detail: "ENOTFOUND", limit: 30 },
  },
  {
    rule: "write_error",
    bad: (now) => observe(now, { writeFailure: "write x: ENOSPC" }),
    ...{ holdS: 5, clearS: 30, expected: { severity: "critical", detail: "write x: ENOSPC" } },
  },
  {
    rule: "catalogue_away",
    bad: (now) =>
      observe(now, {}, { catalogue: { problem: "database is locked", since_us: now, journal_problem: null } }),
    ...{ holdS: 5, clearS: 10, expected: { severity: "warning", detail: "database is locked" } },
  },
  {
    rule: "retention",
    bad: (now) =>
      observe(now, {
        removalsWaiting: { dates: 53, archives: 106, from: "2026-09-01", to: "2026-10-23", limit: 7 },
      }),
    holdS: 0,
    clearS: 60,
    expected: {
      severity: "warning",
      value: 53,
      limit: 7,
      detail:
        "106 archives of 53 more dates (2026-09-01 to 2026-10-23) are due; 7 dates are removed per hour, the rest waits",
    },
  },
  {
    rule: "fault",
    bad: (now) => observe(now, { faults: [{ part: "history", reason: "no such table" }] }),
    ...{ holdS: 0, clearS: 60, expected: { severity: "warning", subjects: ["history"], detail: "no such table" } },
  },
  {
    rule: "disk_low",
    bad: (now) => observe(now, {}, disk(now, { free_bytes: 80 * gigabyte })),
    between: (now) => observe(now, {}, disk(now, { free_bytes: 110 * gigabyte })),
    ...{ holdS: 60, clearS: 300, expected: { severity: "warning", value: 80 * gigabyte, limit: 100 * gigabyte } },
  },
  {
    rule: "disk_forecast",
    bad: (now) => observe(now, {}, disk(now, { full_in_s: 70 * 3600, is_filling: true })),
    between: (now) => observe(now, {}, disk(now, { full_in_s: 80 * 3600 })),
    ...{ holdS: 600, clearS: 1800, expected: { severity: "warning", value: 252_000, limit: 259_200 } },
  },
  {
    rule: "reconnect_storm",
    bad: (now) => observe(now, { reconnectsUs: [1, 2, 3, 4, 5].map((n) => now - n * 1e6) }),
    between: (now) => observe(now, { reconnectsUs: [1, 2, 3].map((n) => now - n * 1e6) }),
    ...{ holdS: 10, clearS: 300, expected: { severity: "warning", value: 5, limit: 5 } },
  },
  {
    rule: "stale",
    bad: (now) => {
      const gap = { cause: "silent", from_us: startUs + 30e6 } as const;
      return observe(now, {}, { symbols: silent(observe(now).status, ["BTCUSDT", "ETHUSDT aggTrade"], gap) });
    },
    ...{ holdS: 60, clearS: 30, expected: { severity: "critical", subjects: ["BTCUSDT", "ETHUSDT aggTrade"] } },
  },
  {
    rule: "delay",
    bad: (now) => observe(now, {}, delays(now, 1200)),
    between: (now) => observe(now, {}, delays(now, 900)),
    ...{ holdS: 60, clearS: 300, expected: { severity: "warning", subjects: ["BTCUSDT"], value: 1200, limit: 1000 } },
  },
  {
    rule: "clock_offset",
    bad: (now) => observe(now, {}, { clock_offset_ms: -700, clock_offset_bound_ms: 50 }),
    between: (now) => observe(now, {}, { clock_offset_ms: -530, clock_offset_bound_ms: 50 }),
    ...{ holdS: 120, clearS: 300, expected: { value: 700, limit: 500, detail: expect.stringContaining("behind") } },
  },
  {
    rule: "memory",
    bad: (now) => observe(now, {}, hardware(now, { process_memory_bytes: 1.1e9 })),
    between: (now) => observe(now, {}, hardware(now, { process_memory_bytes: 0.95e9 })),
    ...{ holdS: 120, clearS: 300, expected: { value: 1.1e9, limit: 1e9, detail: "rt-data itself" } },
  },
  {
    rule: "cpu",
    bad: (now) => observe(now, {}, hardware(now, { cpu_ratio: 0.99 })),
    between: (now) => observe(now, {}, hardware(now, { cpu_ratio: 0.9 })),
    ...{ holdS: 300, clearS: 300, expected: { value: 0.99, limit: 0.95 } },
  },
  {
    rule: "backlog",
    bad: (now) => observe(now, {}, { archive: { ...observe(now).status.archive, segments_waiting: 37 } }),
    between: (now) => observe(now, {}, { archive: { ...observe(now).status.archive, segments_waiting: 20 } }),
    ...{ holdS: 600, clearS: 300, expected: { value: 37, limit: 36 } },
  },
  {
    rule: "symbol_unknown",
    bad: (now) => {
      const symbols = observe(now).status.symbols.map((one, n) =>
        n === 0 ? one : { ...one, state: n === 1 ? ("delisted" as const) : ("unknown" as const) },
      );
      return observe(now, { suggestions: new Map([["SOLUSDT", "SOLUSDC"]]) }, { symbols });
    },
    ...{ holdS: 30, clearS: 0 },
    expected: {
      subjects: ["ETHUSDT", "SOLUSDT"],
      detail: "ETHUSDT: delisted or renamed. SOLUSDT: did you mean SOLUSDC?",
    },
  },
  {
    rule: "upload",
    bad: (now) => {
      const upload = { target: "bucket at s3.example.com", problem: "403", archives_waiting: 4, failures: 9 };
      return observe(now, {}, { upload: { ...upload, archives_uploaded: 0, archives_unconfirmed: 0, bytes_sent: 0 } });
    },
    ...{ holdS: 600, clearS: 60, expected: { value: 4, subjects: ["bucket at s3.example.com"], detail: "403" } },
  },
  {
    rule: "upload_object",
    bad: (now) => {
      const upload = { target: "bucket at s3.example.com", problem: null, archives_waiting: 1, failures: 2 };
      const objects = [{ subject: "2026-11-20/depth20/BTCUSDT", problem: "403 InvalidObjectState" }];
      const counts = { archives_uploaded: 7, archives_unconfirmed: 0, bytes_sent: 0 };
      return observe(now, {}, { upload: { ...upload, ...counts, objects } });
    },
    ...{ holdS: 0, clearS: 60 },
    expected: {
      subjects: ["2026-11-20/depth20/BTCUSDT"],
      detail: "2026-11-20/depth20/BTCUSDT: 403 InvalidObjectState",
    },
  },
  {
    rule: "dataset",
    bad: (now) => {
      const days = [{ subject: "2026-11-20/depth20/BTCUSDT", problem: "the disk has too little room for it" }];
      const counts = { days_written: 7, days_waiting: 1, days_uploaded: 0, uploads_waiting: 2, failures: 3 };
      const sizes = { rows_written: 100, bytes_written: 1000 };
      return observe(now, {}, { dataset: { bucket: null, ...counts, ...sizes, problem: null, days } });
    },
    ...{ holdS: 600, clearS: 60 },
    expected: {
      subjects: ["2026-11-20/depth20/BTCUSDT"],
      value: 3,
      detail: "2026-11-20/depth20/BTCUSDT: the disk has too little room for it",
    },
  },
  {
    rule: "public_url",
    bad: (now) =>
      observe(now, { publicUrl: { kind: "unreachable", host: "data.example.org", detail: "nginx answers 502" } }),
    ...{ holdS: 120, clearS: 60, expected: { subjects: ["data.example.org"], detail: "nginx answers 502" } },
  },
];

test.each(cases.map((ruleCase) => [ruleCase.rule, ruleCase] as const))(
  "%s opens after the hold time and not before, stays open within the hysteresis, and closes after the clear time",
  (rule, { bad, between, holdS, clearS, expected }) => {
    const watch = createWatch();
    watch.run(30);
    watch.run(Math.max(0, holdS - 10), bad);
    if (holdS > 10) expect(watch.told()).toEqual([]);
    watch.run(20, bad);
    expect(watch.told()).toEqual([`${rule} opened`]);
    expect(watch.changes[0]?.incident).toMatchObject({ rule, to_us: null, flaps: 0, acknowledged: null, ...expected });
    // At most ten seconds after the hold time, counted from its cause.
    const { incident, atS } = watch.changes[0] ?? { atS: Number.NaN };
    const causeS = ((incident?.from_us ?? 0) - startUs) / 1e6;
    expect(atS - Math.max(causeS, 30)).toBeLessThanOrEqual(holdS + 10);
    if (between !== undefined) {
      watch.run(clearS + 60, between);
      expect(watch.told().filter((line) => line.endsWith("closed"))).toEqual([]);
    }
    const endS = watch.nowS();
    if (clearS > 0) {
      watch.run(clearS - 5);
      expect(watch.open()).toHaveLength(1);
    }
    watch.run(15);
    const last = watch.changes.at(-1);
    expect([last?.incident.rule, last?.change, watch.open()]).toEqual([rule, "closed", []]);
    expect(((last?.incident.to_us ?? 0) - startUs) / 1e6).toBeWithin(endS - 6, endS + 6);
    expect(watch.changes.filter(({ change }) => change === "opened" || change === "closed")).toHaveLength(2);
  },
);

test("every rule of the contract is in the table once, after its parents, and has a test here", () => {
  expect([...new Set(rules.map(({ rule }) => rule))].sort()).toEqual([...incidentRules].sort());
  expect(new Set(rules.map(({ key }) => key)).size).toBe(rules.length);
  for (const [n, { parents }] of rules.entries())
    for (const parent of parents) expect(rules.findIndex(({ rule }) => rule === parent)).toBeLessThan(n);
  const others = ["gap", "verify_failed", "crash_recovered"] as const;
  expect([...cases.map(({ rule }) => rule), ...others].sort()).toEqual([...incidentRules].sort());
});

test("the first seconds of a start and a rollover are not incidents", () => {
  const watch = createWatch();
  const nothingYet = (now: number) => {
    const { status } = observe(now);
    const symbols = status.symbols.map((one) => ({
      ...{ ...one, state: "unchecked" as const, last_recv_us: null, delay_ms: null, messages_per_s: 0 },
      streams: one.streams.map((stream) => ({ ...stream, last_recv_us: null, messages_per_s: 0 })),
    }));
    const connections = status.connections.map((connection) => ({
      ...connection,
      state: "connecting" as const,
      last_recv_us: null,
    }));
    return observe(now, { publicUrl: null }, { symbols, connections, disk: null, clock_offset_ms: null });
  };
  watch.run(25, nothingYet);
  const rollover = (now: number) => {
    const [one] = observe(now).status.connections;
    if (one === undefined) throw new Error("no connection");
    return observe(now, {}, { connections: [one, { ...one, id: 2, role: "successor", state: "connecting" }] });
  };
  watch.run(300, rollover);
  expect(watch.told()).toEqual([]);
});

test("network down is one incident: its consequences keep silent, and afterwards only remaining problems are reported", () => {
  const watch = createWatch();
  watch.run(60);
  const downUs = watch.nowUs();
  const gap = { cause: "reconnect", from_us: downUs } as const;
  const attempts = Array.from({ length: 40 }, (_, n) => downUs + n * 20e6);
  const down = (now: number) =>
    observe(
      now,
      { reconnectsUs: attempts, publicUrl: { kind: "unreachable", host: "data.example.org", detail: "DNS" } },
      {
        connections: closed(observe(now).status, "ENOTFOUND"),
        symbols: silent(observe(now).status, "all", gap).map((one) => ({
          ...one,
          delay_ms: 9000,
          last_recv_us: downUs,
        })),
        clock_offset_ms: 9000,
      },
    );
  watch.run(1200, down);
  expect(watch.told().filter((line) => !line.endsWith("changed"))).toEqual(["disconnected opened"]);
  expect(watch.open()).toMatchObject([{ rule: "disconnected", from_us: downUs, severity: "critical" }]);
  // The network is back. One symbol stays silent, and the gaps of the outage are recorded.
  const upUs = watch.nowUs();
  const gaps = ["BTCUSDT", "ETHUSDT"].map((symbol) => aGap({ symbol, from_us: downUs, to_us: upUs + 2e6 }));
  const up = (now: number) =>
    observe(now, { gaps, reconnectsUs: attempts }, { symbols: silent(observe(now).status, ["SOLUSDT"], gap) });
  watch.run(300, up);
  expect(watch.told().filter((line) => !line.endsWith("changed"))).toEqual([
    "disconnected opened",
    "disconnected closed",
    "stale opened",
  ]);
  const end = watch.of("disconnected").at(-1)?.incident;
  expect([end?.from_us, end?.to_us, end?.value]).toEqual([downUs, upUs + 5e6, 1205]);
  expect(watch.open()).toMatchObject([{ rule: "stale", subjects: ["SOLUSDT"] }]);
});

test("a connection that is open but delivers no messages is network down too", () => {
  const watch = createWatch();
  const gap = { cause: "silent", from_us: startUs } as const;
  watch.run(60, (now) =>
    observe(
      now,
      {},
      { symbols: silent(observe(now).status, "all", gap).map((symbol) => ({ ...symbol, last_recv_us: startUs })) },
    ),
  );
  expect(watch.told()).toEqual(["disconnected opened"]);
  expect(watch.open()[0]).toMatchObject({ severity: "critical", from_us: startUs });
});

test("the loss of a connection while another is open is a warning, and does not hide problems of a symbol on the other connection", () => {
  const watch = createWatch();
  const gap = { cause: "silent", from_us: startUs } as const;
  watch.run(120, (now) => {
    const { status } = observe(now);
    const connections = [
      ...status.connections,
      ...closed(status).map((connection) => ({ ...connection, id: 2, host: "other:443" })),
    ];
    return observe(now, {}, { connections, symbols: silent(status, ["BTCUSDT"], gap) });
  });
  expect(watch.open()).toMatchObject([
    { rule: "disconnected", severity: "warning", subjects: ["other:443"] },
    { rule: "stale", subjects: ["BTCUSDT"] },
  ]);
});

test("forty silent symbols are one incident; many more make it worse, a few more only change it", () => {
  const watch = createWatch();
  const who = (count: number) => Array.from({ length: count }, (_, n) => `A${String(n).padStart(2, "0")}USDT`);
  const look = (count: number) => (now: number) => {
    const [one] = observe(now).status.symbols;
    if (one === undefined) throw new Error("no symbol");
    const symbols = who(200).map((symbol) => ({ ...one, symbol }));
    return observe(now, {}, { symbols: silent({ symbols }, who(count), { cause: "silent", from_us: startUs }) });
  };
  watch.run(70, look(40));
  expect(watch.told()).toEqual(["stale opened"]);
  expect(watch.open()[0]).toMatchObject({ subject_count: 40, subjects: who(40), severity: "warning" });
  watch.run(70, look(44));
  watch.run(10, look(90));
  watch.run(10, look(120));
  const told = watch.changes.map(({ change, incident }) => [change, incident.subject_count, incident.severity]);
  expect(told).toEqual([
    ["opened", 40, "warning"],
    ["changed", 44, "warning"],
    ["worse", 90, "warning"],
    ["worse", 120, "critical"],
  ]);
  expect(watch.open()[0]?.subjects).toHaveLength(50);
});

test("a delay that comes and goes every two minutes, for three hours, is one incident", () => {
  const watch = createWatch();
  for (let n = 0; n < 45; n++) {
    watch.run(120, (now) => observe(now, {}, delays(now, 3000)));
    watch.run(120);
  }
  watch.run(3600);
  expect(watch.told().filter((line) => !line.endsWith("changed"))).toEqual(["delay opened", "delay closed"]);
  expect(watch.changes.at(-1)?.incident.flaps).toBe(44);
  // Not every change of it is reported.
  expect(watch.changes.length).toBeLessThan(100);
});

test("a problem that soon returns takes longer to close each time", () => {
  const watch = createWatch();
  for (let n = 0; n < 20; n++) {
    const lostUs = watch.nowUs();
    watch.run(90, (now) => {
      const symbols = observe(now).status.symbols.map((symbol) => ({ ...symbol, last_recv_us: lostUs }));
      return observe(now, {}, { connections: closed(observe(now).status), symbols });
    });
    watch.run(240);
  }
  // The first three closed after 30, 60 and 120 s; the fourth needs 240 s and is still open.
  const opened = watch.of("disconnected").filter(({ change }) => change === "opened");
  expect(opened).toHaveLength(4);
  expect(watch.open()).toMatchObject([{ rule: "disconnected", flaps: 16 }]);
});

test("a gap is reported only if no other incident reports it, and if it matters", () => {
  const told = (gaps: Gap[]) => {
    const watch = createWatch();
    watch.run(120, (now) => observe(now, { gaps: gaps.filter(({ to_us }) => to_us < now) }));
    return watch.told();
  };
  expect(told([aGap()])).toEqual(["gap opened"]);
  expect(told([aGap({ to_us: startUs + 6e6 })])).toEqual([]);
  expect(told([aGap({ stream: "aggTrade", missing: 40, repaired: 40 })])).toEqual([]);
  expect(told([aGap({ stream: "aggTrade", missing: 0 })])).toEqual([]);
  expect(told([aGap({ stream: "aggTrade", to_us: startUs + 6e6, missing: 3, repaired: 1 })])).toEqual(["gap opened"]);
  for (const cause of ["halted", "crash", "restart"] as const) expect(told([aGap({ cause })])).toEqual([]);
  const night = aGap({ cause: "restart", from_us: startUs - 8 * 3600e6, to_us: startUs + 1e6 });
  expect(told([night])).toEqual(["gap opened"]);
});

test("gaps of many streams within minutes are one incident, which closes by itself with the true end", () => {
  const watch = createWatch();
  const gaps = ["BTCUSDT", "ETHUSDT", "SOLUSDT"].map((symbol) => aGap({ symbol }));
  const later = aGap({ from_us: startUs + 200e6, to_us: startUs + 260e6 });
  watch.run(150, (now) => observe(now, { gaps }));
  watch.run(1500, (now) => observe(now, { gaps: [...gaps, later] }));
  expect(watch.told()).toEqual(["gap opened", "gap changed", "gap closed"]);
  const [opened, , ended] = watch.changes.map(({ incident }) => incident);
  expect(opened).toMatchObject({ subject_count: 3, value: 25, from_us: gaps[0]?.from_us, detail: "reconnect" });
  expect(ended).toMatchObject({ to_us: later.to_us, worst: 60 });
});

test("gaps of different causes within minutes are different incidents, also across a restart", () => {
  const watch = createWatch();
  const lost = aGap({});
  const absent = aGap({ from_us: startUs + 20e6, to_us: startUs + 60e6, cause: "missing" });
  watch.run(150, (now) => observe(now, { gaps: [lost, absent] }));
  expect(
    watch
      .open()
      .map(({ rule, detail }) => `${rule} ${detail}`)
      .sort(),
  ).toEqual(["gap missing", "gap reconnect"]);
  const state = beginning({ open: watch.open(), ended: [], lastId: 9 }, startUs + 200e6);
  expect(openOf(state)).toHaveLength(2);
  watch.run(1500, (now) => observe(now, { gaps: [lost, absent] }));
  expect(watch.told()).toEqual(["gap opened", "gap opened", "gap closed", "gap closed"]);
});

test("a failed verification stays open until the same archive is verified or a day has passed, even across a restart", () => {
  const failed = { subject: "BTCUSDT depth20 2026-11-21", problem: "SHA-256 differs" };
  const once = (watch: ReturnType<typeof createWatch>, verified: Observation["verified"]) =>
    watch.run(5, (now) => observe(now, { verified }));
  const watch = createWatch();
  once(watch, [failed]);
  watch.run(3600);
  expect(watch.open()).toMatchObject([{ rule: "verify_failed", severity: "critical", subjects: [failed.subject] }]);
  watch.restart(watch.open(), [], 1, 60);
  watch.run(3600);
  expect(watch.told()).toEqual(["verify_failed opened"]);
  once(watch, [{ subject: failed.subject, problem: null }]);
  expect(watch.told()).toEqual(["verify_failed opened", "verify_failed closed"]);
  once(watch, [failed]);
  watch.run(25 * 3600);
  expect(watch.open()).toEqual([]);
});

test("a crash is reported once, when data flows again, with the length of the outage", () => {
  const watch = createWatch();
  const crash = { fromUs: startUs - 90e6, toUs: startUs, detail: "2 files were repaired" };
  const dry = (now: number) =>
    observe(
      now,
      { crash },
      { symbols: observe(now).status.symbols.map((symbol) => ({ ...symbol, last_recv_us: null })) },
    );
  watch.run(20, dry);
  expect(watch.told()).toEqual([]);
  watch.run(310, (now) => observe(now, { crash }));
  watch.run(60);
  expect(watch.told()).toEqual(["crash_recovered opened", "crash_recovered closed"]);
  expect(watch.changes.at(-1)?.incident).toMatchObject({
    ...{ severity: "info", value: 90, from_us: crash.fromUs, to_us: crash.toUs, detail: crash.detail },
  });
});

test("an expiring certificate is reported in advance, with the days that are left", () => {
  const watch = createWatch();
  const publicUrl = { kind: "reached", host: "data.example.org", expiresInS: 5.5 * 86_400 } as const;
  watch.run(140, (now) => observe(now, { publicUrl }));
  expect(watch.open()[0]?.detail).toContain("expires in 5 days");
});

test("after a sleep of the machine every hold time starts again", () => {
  const watch = createWatch();
  watch.run(60);
  const lastUs = watch.nowUs();
  const down = (now: number) => {
    const { status } = observe(now);
    const symbols = status.symbols.map((symbol) => ({ ...symbol, last_recv_us: lastUs }));
    return observe(now, {}, { connections: closed(status), symbols });
  };
  watch.run(5, down);
  watch.sleep(8 * 3600);
  watch.run(25, down);
  expect(watch.told()).toEqual([]);
  watch.run(15, down);
  expect(watch.told()).toEqual(["disconnected opened"]);
});

test("a disabled rule is silent, and closes its open incident", () => {
  const off = { ...defaultAlerts, write_error: { ...defaultAlerts.write_error, enabled: false } };
  const bad = (now: number) => observe(now, { writeFailure: "EIO" });
  const watch = createWatch(off);
  watch.run(60, bad);
  expect(watch.told()).toEqual([]);
  const before = createWatch();
  before.run(60, bad);
  watch.restart(before.open(), [], 1, 60);
  watch.run(10, bad);
  expect(watch.told()).toEqual(["write_error closed"]);
});

test("setting the clock back does not stop incidents from opening or closing", () => {
  const bad = (now: number) => observe(now, { writeFailure: "write x: ENOSPC" });
  let state = beginning({ open: [], ended: [], lastId: 0 }, startUs);
  const kinds: string[] = [];
  const look = (seen: Observation, nowUs: number) => {
    const next = evaluate(state, seen, defaultAlerts, nowUs);
    state = next.state;
    kinds.push(...next.changes.map(({ change }) => change));
  };
  const back = startUs - 9 * 3600e6;
  look(bad(startUs + 1e6), startUs + 1e6);
  for (let s = 0; s < 30; s++) look(bad(back + s * 1e6), back + s * 1e6);
  expect(kinds[0]).toBe("opened");
  look(observe(back + 30e6), back + 30e6);
  for (let s = 0; s < 120; s++) look(observe(back - 3600e6 + s * 1e6), back - 3600e6 + s * 1e6);
  expect(kinds.at(-1)).toBe("closed");
});

test("a demo does not report what other programs take of the machine; it reports what stops the demo itself", () => {
  const busy = (now: number) =>
    hardware(now, { cpu_ratio: 1, memory_used_bytes: observe(now).status.hardware.memory_total_bytes });
  const nearlyFull = (now: number) => disk(now, { free_bytes: 8 * gigabyte });
  const told = (mode: Status["mode"], bad: (now: number) => Partial<Status>) => {
    const watch = createWatch();
    watch.run(700, (now) => observe(now, {}, { mode, ...bad(now) }));
    return watch.told().sort();
  };
  expect(told("record", busy)).toEqual(["cpu opened", "memory opened"]);
  expect(told("record", nearlyFull)).toEqual(["disk_low opened"]);
  expect([...told("demo", busy), ...told("demo", nearlyFull)]).toEqual([]);
  expect(told("demo", (now) => disk(now, { free_bytes: 1e6, level: "full" }))).toEqual(["disk_low opened"]);
  expect(told("demo", (now) => hardware(now, { process_memory_bytes: 1.2e9 }))).toEqual(["memory opened"]);
});

test("the hint of a misspelt symbol goes with it: after a reload another unknown symbol does not show it", () => {
  const unknown = (now: number, at: number, hint: string | null) => {
    const symbols = observe(now).status.symbols.map((one, n) =>
      n === at ? { ...one, state: "unknown" as const } : one,
    );
    const name = symbols[at]?.symbol ?? "";
    return observe(now, { suggestions: new Map(hint === null ? [] : [[name, hint]]) }, { symbols });
  };
  const watch = createWatch();
  watch.run(60, (now) => unknown(now, 2, "SOLUSDC"));
  const last = () => watch.changes.at(-1)?.incident;
  expect(last()).toMatchObject({ subjects: ["SOLUSDT"], detail: "SOLUSDT: did you mean SOLUSDC?" });
  // The exchange's list could not be read once: the hint stays.
  watch.run(60, (now) => unknown(now, 2, null));
  expect(last()?.detail).toBe("SOLUSDT: did you mean SOLUSDC?");
  watch.run(60, (now) => unknown(now, 1, null));
  expect(last()).toMatchObject({ subjects: ["ETHUSDT"], detail: null });
});
