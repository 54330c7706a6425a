import { expect, test } from "bun:test";
import fc from "fast-check";
import type { IncidentRule } from "../../../server/domain/incidents/incident-rules.ts";
import type { Observation } from "../../../server/monitor/observation.ts";
import { acknowledge, beginning, evaluate } from "../../../server/monitor/rules/evaluate.ts";
import { disksOf } from "../../support/fakes/fake-status.ts";
import { closed, defaultAlerts, observe, silent, startUs } from "../../support/fakes/observation.ts";
import { randomRuns } from "../../support/time/random-runs.ts";

/** An observation of a recorder with arbitrary problems, and the actions since the previous observation. */
const look = fc.record({
  afterS: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 10 }) }, fc.integer({ min: 11, max: 7200 })),
  isDown: fc.boolean(),
  silent: fc.constantFrom("none", "one", "all"),
  sinceS: fc.integer({ min: 0, max: 600 }),
  delay: fc.constantFrom(100, 900, 1500, 20_000, null),
  writeFailure: fc.constantFrom(null, null, "EIO"),
  freeGb: fc.constantFrom(5, 80, 110, 500),
  cpu: fc.constantFrom(0.2, 0.9, 0.99),
  reconnects: fc.integer({ min: 0, max: 8 }),
  gap: fc.constantFrom(null, "reconnect", "missing", "disk", "restart"),
  verified: fc.constantFrom(null, true, false),
  reached: fc.constantFrom(true, false, null),
  holes: fc.constantFrom(0, 3),
  restarts: fc.constantFrom(false, false, false, false, true),
  acknowledges: fc.boolean(),
});

type Look = typeof look extends fc.Arbitrary<infer T> ? T : never;

function observationOf(nowUs: number, one: Look): Observation {
  const { status } = observe(nowUs);
  const gap = { cause: "silent", from_us: nowUs - one.sinceS * 1e6 } as const;
  const who = one.silent === "none" ? [] : one.silent === "one" ? ["BTCUSDT"] : ("all" as const);
  const spell = { from_us: nowUs - 40e6, to_us: nowUs - 5e6, missing: null, repaired: 0 };
  return observe(
    nowUs,
    {
      writeFailure: one.writeFailure,
      reconnectsUs: Array.from({ length: one.reconnects }, (_, n) => nowUs - n * 1e6),
      gaps: one.gap === null ? [] : [{ stream: "depth20", symbol: "ETHUSDT", cause: one.gap, ...spell } as const],
      verified: one.verified === null ? [] : [{ subject: "x", problem: one.verified ? null : "SHA-256 differs" }],
      publicUrl:
        one.reached === null
          ? null
          : one.reached
            ? { kind: "reached", host: "h", expiresInS: null }
            : { kind: "unreachable", host: "h", detail: "502" },
    },
    {
      connections: one.isDown ? closed(status) : status.connections,
      symbols: silent(status, who, gap).map((symbol) => ({ ...symbol, delay_ms: one.delay })),
      hardware: { ...status.hardware, cpu_ratio: one.cpu },
      disks: disksOf(status.disk && { ...status.disk, free_bytes: one.freeGb * 1e9 }),
      totals: { ...status.totals, holes: one.holes },
    },
  );
}

test("for all observations: one open incident per rule, no incident begins or ends twice, ids rise, times are in order, and all incidents end", () => {
  fc.assert(
    fc.property(fc.array(look, { minLength: 20, maxLength: 150 }), (looks) => {
      let nowUs = startUs;
      let state = beginning({ open: [], ended: [], lastId: 0 }, nowUs);
      const open = new Map<IncidentRule, number>();
      const ended = new Set<number>();
      let lastId = 0;

      const step = (seen: Observation) => {
        const before = JSON.stringify([...state.rules]);
        const found = evaluate(state, seen, defaultAlerts, nowUs);
        expect(JSON.stringify([...state.rules])).toBe(before);
        expect(evaluate(state, seen, defaultAlerts, nowUs)).toEqual(found);
        state = found.state;
        for (const { incident, change } of found.changes) {
          const { rule, id, from_us, to_us } = incident;
          expect(from_us).toBeLessThanOrEqual(nowUs);
          if (change === "opened") {
            expect([rule, open.has(rule)]).toEqual([rule, false]);
            expect(id).toBeGreaterThan(lastId);
            lastId = id;
            open.set(rule, id);
          } else expect([rule, open.get(rule)]).toEqual([rule, id]);
          expect(to_us === null).toBe(change !== "closed");
          if (to_us === null) continue;
          expect(ended.has(id)).toBe(false);
          expect(to_us).toBeWithin(from_us, nowUs + 1);
          ended.add(id);
          open.delete(rule);
        }
        const known = [...state.rules.values()].flatMap(({ incident }) => (incident === null ? [] : [incident]));
        expect(new Map(known.map(({ rule, id }) => [rule, id]))).toEqual(new Map([...open].sort(() => 0)));
        for (const { ended, incident } of state.rules.values()) {
          expect(ended.length).toBeLessThanOrEqual(20);
          expect(incident?.subjects.length ?? 0).toBeLessThanOrEqual(50);
        }
      };

      for (const one of looks) {
        nowUs += one.afterS * 1e6;
        if (one.restarts) {
          const left = [...state.rules.values()];
          const incidents = left.flatMap(({ incident }) => (incident === null ? [] : [incident]));
          state = beginning({ open: incidents, ended: left.flatMap(({ ended }) => ended), lastId }, nowUs);
        }
        const [first] = open.values();
        if (one.acknowledges && first !== undefined) state = acknowledge(state, first, "me", nowUs)?.state ?? state;
        step(observationOf(nowUs, one));
      }
      for (let n = 0; n < 25 * 60; n++) {
        nowUs += 60e6;
        step(observe(nowUs));
      }
      expect([...open]).toEqual([]);
    }),
    { numRuns: randomRuns(10) },
  );
}, 300_000);
