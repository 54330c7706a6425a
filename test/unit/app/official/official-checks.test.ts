import { beforeEach, describe, expect, test } from "bun:test";
import { createOfficialChecks } from "../../../../server/app/official/official-checks.ts";
import { runOfficialJob } from "../../../../server/app/official/official-job.ts";
import { mergeDay } from "../../../../server/archive/merge/merge-day.ts";
import { verifyStream } from "../../../../server/archive/verify/verify-stream.ts";
import { type Day, dateOf, dateStartUs, dayUs, type Segment } from "../../../../server/domain/day.ts";
import { clipGap, type Gap } from "../../../../server/domain/gap.ts";
import { type Journal, openJournal } from "../../../../server/journal/journal.ts";
import { silentLog } from "../../../../server/platform/log/log.ts";
import type { ConfirmedTime } from "../../../../server/platform/time/confirmed-time.ts";
import { findRecordedStreams, segmentFiles } from "../../../../server/storage/list/listing.ts";
import { readManifest } from "../../../../server/storage/manifest.ts";
import { appConfig } from "../../../support/app-config.ts";
import { sealHere } from "../../../support/data/day-fixture.ts";
import { archiveDays, secondOf, tradeLine } from "../../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../../support/folder.ts";
import {
  csvOf,
  pythonMissing,
  rowsOf,
  serveFiles,
  sha256,
  type Trade,
  tradesOf,
  zipAll,
} from "../../../support/official/daily-files.ts";
import { until } from "../../../support/wait.ts";

const series = { stream: "aggTrade", symbol: "BTCUSDT" } as const;
const dates = Array.from({ length: 10 }, (_, n) => `2026-11-${10 + n}`);
const nowUs = secondOf("2026-11-20", 13 * 3600);

/** Twenty trades a day, one an hour apart from the last four hours. */
const lines = dates.flatMap((date, day) =>
  Array.from({ length: 20 }, (_, n) => tradeLine(secondOf(date, 3600 * (n + 1)), 500 + day * 20 + n)),
);
const trades: readonly Trade[] = tradesOf(lines.join(""));

/** A recorder that was away from noon of the second to noon of the ninth day. */
const away: Gap = {
  ...{ ...series, cause: "restart", missing: null, repaired: 0 },
  ...{ from_us: secondOf("2026-11-11", 12 * 3600 + 1), to_us: secondOf("2026-11-18", 12 * 3600 - 1) },
};

let dataDir: string;
let journal: Journal;
beforeEach(async () => {
  dataDir = temporaryFolder();
  journal = openJournal(dataDir, { log: silentLog });
  const recorded = lines.filter((line) => {
    const us = Number(/"recv_us":(\d+)/.exec(line)?.[1]);
    return us < away.from_us || us > away.to_us;
  });
  const files = dates.flatMap((date) => {
    const text = recorded.filter((line) => dateOf(Number(/"recv_us":(\d+)/.exec(line)?.[1])) === date).join("");
    return text === "" ? [] : [{ segment: { ...series, date, name: "00-00" }, text }];
  });
  await archiveDays(dataDir, files, "2026-11-20", [away]);
  journal.saveGaps([away]);
});

type Options = {
  time?: () => ConfirmedTime;
  config?: Record<string, unknown>;
  answer: Parameters<typeof serveFiles>[0];
};

/** Runs the checks as a recorder does, with its merges, until `isDone`. */
async function runChecks(options: Options, isDone: () => boolean) {
  const server = serveFiles(options.answer);
  const due = new Map<string, Day>();
  const closed: Segment[] = [];
  const log: string[] = [];
  const say = (message: string) => void log.push(message);
  const checks = createOfficialChecks(
    appConfig({ "official.check": true, "official.url": server.url, "record.data_dir": dataDir, ...options.config }),
    {
      ...{ dataDir, journal },
      time: options.time ?? (() => ({ kind: "confirmed", us: nowUs })),
      merge: (day) => void due.set(day.date, day),
      onClosed: (segment) => void closed.push(segment),
      run: (job) => runOfficialJob(job, { alive() {}, mayReceive: async () => {} }),
      log: { ...silentLog, info: say, warn: say },
      pace: { lookMs: 0, againMs: 0 },
    },
  );
  const step = async () => {
    checks.tick();
    await Bun.sleep(1);
    const segments = closed.splice(0);
    await sealHere(dataDir, segments);
    for (const { date } of segments) due.set(date, { ...series, date });
    for (const day of due.values()) {
      const [startUs, gaps] = [dateStartUs(day.date), journal.gapsOfStream(series.stream, series.symbol)];
      const clipped = gaps.flatMap((gap) => clipGap(gap, startUs, startUs + dayUs) ?? []);
      const facts = { gaps: clipped.map(({ stream: _, symbol: _s, ...gap }) => gap), official: checks.officialOf(day) };
      const made = { level: 3, recorder: { version: "0", host: "test" }, clockOffsetMs: null };
      const { manifest } = mergeDay({ dataDir, day, inputs: segmentFiles(dataDir, day), ...made, ...facts });
      if (manifest !== null) checks.onArchived(day);
    }
    due.clear();
    return isDone();
  };
  try {
    await until(step, "the comparisons", 60_000);
  } finally {
    await checks.stop();
    server.stop();
  }
  return { log, asked: server.asked };
}

const officialOf = (date: string) => readManifest(dataDir, { ...series, date })?.official;
const isCompared = (date: string) => officialOf(date) !== undefined;

async function problems(): Promise<unknown[]> {
  const [stream] = findRecordedStreams(dataDir);
  if (stream === undefined) throw new Error("nothing is recorded");
  const found = await verifyStream(stream, () => null, { dataDir, quick: false, onProgress() {} });
  return found.map((day) => [day.state, day.problems, day.gaps.filter((gap) => gap.missing !== gap.repaired).length]);
}

describe.skipIf(pythonMissing !== "")(`with official.check${pythonMissing}`, () => {
  let zips: Record<string, Buffer<ArrayBuffer>>;
  const zipOf = (path: string) => zips[/\d{4}-\d\d-\d\d/.exec(path)?.[0] ?? ""];
  const published = (path: string) => {
    const zip = zipOf(path);
    if (zip === undefined) return null;
    return path.endsWith(".CHECKSUM") ? `${sha256(zip)}  x.zip\n` : zip;
  };
  beforeEach(() => {
    zips ??= zipAll(Object.fromEntries(dates.map((date) => [date, csvOf(rowsOf(trades, date))])));
  });

  test("a week that was not recorded is backfilled from Binance's files; every day is then proved, and the gap is closed", async () => {
    await runChecks({ answer: published }, () => dates.slice(0, 9).every(isCompared));
    for (const [n, date] of dates.slice(0, 9).entries()) {
      const rows = rowsOf(trades, date).length;
      expect([date, officialOf(date)]).toEqual([
        date,
        {
          ...{ sha256: sha256(zips[date] ?? new Uint8Array()), rows, missing: 0, differing: 0, beyond: 0 },
          checked_us: nowUs,
        },
      ]);
      expect(readManifest(dataDir, { ...series, date })?.repaired.refetched).toBe(
        n === 0 ? 0 : n === 1 ? 8 : n === 8 ? 11 : 20,
      );
    }
    const missing = 8 + 6 * 20 + 11;
    expect(journal.gapsOfStream(series.stream, series.symbol)).toMatchObject([{ missing, repaired: missing }]);
    expect(new Set((await problems()).map((day) => JSON.stringify(day)))).toEqual(new Set(['["archived",[],0]']));
  });

  test("a file that does not match its checksum, or holds other values, is not used for backfills; the manifest says so", async () => {
    const other = (path: string) => {
      const zip = zipOf(path);
      return zip === undefined ? null : path.endsWith(".CHECKSUM") ? `${"0".repeat(64)}  x.zip` : zip;
    };
    await runChecks({ answer: other, config: { "official.days": 4 } }, () => isCompared("2026-11-18"));
    expect(officialOf("2026-11-18")).toMatchObject({ missing: 11, differing: 0 });
    expect(readManifest(dataDir, { ...series, date: "2026-11-18" })?.repaired.refetched).toBe(0);
    const date = "2026-11-11";
    const altered = rowsOf(trades, date).map((row, n) => (n === 0 ? row.replace("86704", "86705") : row));
    const zip = zipAll({ [date]: csvOf(altered) })[date];
    const wrong = (path: string) => (path.includes(date) && !path.endsWith(".CHECKSUM") ? (zip ?? null) : null);
    await runChecks({ answer: wrong }, () => isCompared(date));
    expect(officialOf(date)).toMatchObject({ missing: 8, differing: 1 });
    expect(journal.gapsOfStream(series.stream, series.symbol)).toEqual([away]);
  });

  test("a file that is not there is asked for again; by an unconfirmed time no file is asked for", async () => {
    let answers = 0;
    const late = (path: string) => (path.includes("2026-11-19") && answers++ < 3 ? null : published(path));
    const { log } = await runChecks({ answer: late, config: { "official.days": 1 } }, () => isCompared("2026-11-19"));
    expect(log).toContain("not compared with Binance's daily file");
    let seconds = 0;
    const time = (): ConfirmedTime => ({ kind: "unconfirmed", why: "test" });
    const { asked } = await runChecks({ answer: published, time }, () => ++seconds > 20);
    expect(asked).toEqual([]);
  });
});
