import { expect, test } from "bun:test";
import { type DigestSources, digestFacts } from "../../../server/app/messaging/digest.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import type { ArchiveSummary, Page } from "../../../server/domain/queries.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";
import { createScriptedIncidents } from "../../support/telegram/scripted-incidents.ts";

const date = "2026-11-24";
const dayStartUs = Date.parse(`${date}T00:00:00Z`) * 1000;
const hourUs = 3.6e9;

/** Returns the hundred items of a list after an index. */
function pageOf<T>(all: readonly T[], limit: number, after: string | null): Page<T> {
  const from = Number(after ?? 0);
  return { items: all.slice(from, from + limit), next: from + limit < all.length ? String(from + limit) : null };
}

function archive(n: number): ArchiveSummary {
  const of = { stream: n % 2 === 0 ? "depth20" : "aggTrade", symbol: `SYM${n >> 1}USDT`, date };
  return {
    ...of,
    rows: 1000,
    raw_bytes: 50_000,
    compressed_bytes: 4000,
    sha256: "",
    coverage: 1,
    gaps: 0,
    delay_p50_ms: null,
    delay_p99_ms: null,
    verified_us: null,
  };
}

function gap(over: Partial<Gap>): Gap {
  const of = {
    stream: "aggTrade",
    symbol: "SYM0USDT",
    from_us: dayStartUs + hourUs,
    to_us: dayStartUs + hourUs + 12e6,
  };
  return { ...of, cause: "reconnect", missing: 10, repaired: 8, ...over };
}

/** The sources of a recorder with 150 symbols. */
function sources(over: { daysWaiting?: number; archives?: number } = {}): DigestSources {
  const archives = Array.from({ length: over.archives ?? 300 }, (_, n) => archive(n));
  const gaps = [
    ...Array.from({ length: 250 }, () => gap({})),
    gap({ to_us: dayStartUs + 2 * hourUs, missing: null, repaired: 0, stream: "depth20" }),
    gap({ cause: "halted", to_us: dayStartUs + 9 * hourUs, missing: null }),
  ];
  const incidents = createScriptedIncidents(() => dayStartUs + hourUs);
  incidents.close(incidents.raise({ rule: "cpu", from_us: dayStartUs - 3 * hourUs }).id, {
    to_us: dayStartUs - hourUs,
  });
  incidents.close(incidents.raise({ rule: "disk_low", from_us: dayStartUs - hourUs }).id, {
    to_us: dayStartUs + hourUs,
  });
  incidents.raise({ rule: "crash_recovered", severity: "info" });
  incidents.raise({ rule: "disconnected", severity: "critical" });
  incidents.raise({ rule: "delay", from_us: dayStartUs + 25 * hourUs });
  const plain = fakeStatus(0, 3);
  return {
    history: {
      archives: (filter, limit, after) => pageOf(filter.date === date ? archives : [], limit, after),
      gaps: (filter, limit, after) => pageOf(filter.fromUs === dayStartUs ? gaps : [], limit, after),
      coverage: async ({ from }) => ({
        dates: [from],
        rows: [
          { symbol: "SYM0USDT", coverage: [0.9], missing_s: [8640], first_us: 1 },
          { symbol: "SYM1USDT", coverage: [0.5], missing_s: [43200], first_us: 1 },
          { symbol: "SYM2USDT", coverage: [1], missing_s: [0], first_us: 1 },
          { symbol: "NEWUSDT", coverage: [null], missing_s: [null], first_us: 1 },
        ],
      }),
    },
    incidents,
    status: () => ({ ...plain, archive: { ...plain.archive, days_waiting: over.daysWaiting ?? 0 } }),
  };
}

test("the digest covers exactly its day: all pages, without halts, with all incidents that touch the day", async () => {
  const facts = await digestFacts(date, false, sources());
  expect(facts).toMatchObject({
    date,
    symbols: 3,
    coverage: expect.closeTo(0.8, 9),
    incomplete: [{ symbol: "SYM1USDT" }, { symbol: "SYM0USDT" }],
    records: 300_000,
    gaps: { count: 251, longestUs: hourUs, missing: 2500, repaired: 2000 },
    archives: { count: 300, rawBytes: 15_000_000, compressedBytes: 1_200_000 },
  });
  expect(facts?.incidents.map(({ rule }) => rule)).toEqual(["disk_low"]);
  expect(facts?.open.map(({ rule }) => rule)).toEqual(["disconnected", "delay"]);
});

test("the digest waits for merges and archives of its day, until it cannot wait any longer", async () => {
  expect(await digestFacts(date, false, sources({ daysWaiting: 2 }))).toBeNull();
  expect(await digestFacts(date, false, sources({ archives: 0 }))).toBeNull();
  expect(await digestFacts(date, true, sources({ archives: 0 }))).toMatchObject({ records: 0, archives: { count: 0 } });
});
