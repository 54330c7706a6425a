import { expect, test } from "bun:test";
import { silentLog } from "../../../server/platform/log/log.ts";
import { plainOf } from "../../../server/telegram/api/html.ts";
import { createDigest } from "../../../server/telegram/notifier/digest.ts";
import type { OneOffMessage } from "../../../server/telegram/notifier/one-off-messages.ts";
import { type DigestFacts, digestHtml } from "../../../server/telegram/text/digest-message.ts";
import { localTime } from "../../../server/text/local-time.ts";
import { createScriptedIncidents } from "../../support/telegram/scripted-incidents.ts";

const minute = 60e6;
const hour = 60 * minute;

function facts(date: string): DigestFacts {
  return {
    date,
    symbols: 15,
    coverage: 0.99987,
    incomplete: [{ symbol: "SOLUSDT", coverage: 0.99806 }],
    records: 12_345_678,
    gaps: { count: 3, longestUs: 168e6, missing: 124, repaired: 120 },
    incidents: [],
    open: [],
    archives: { count: 30, rawBytes: 14_200_000_000, compressedBytes: 1_130_000_000 },
    disk: { freeBytes: 612e9, fullInS: 120 * 86_400 },
  };
}

/** A digest on a clock of its own; posted messages count as sent at once unless the test says otherwise. */
function morning(options: {
  from: string;
  timeZone?: string;
  at?: number;
  chats?: number[];
  isSent?: () => boolean;
  known?: () => boolean;
}) {
  let us = Date.parse(options.from) * 1000;
  const notes = new Map<string, string>();
  const posts: { at: string; chat: number; post: OneOffMessage }[] = [];
  const asked: string[] = [];
  const begin = () =>
    createDigest(
      {
        chats: options.chats ?? [42],
        atMinutes: options.at ?? 9 * 60,
        language: "en",
        host: "h",
        timeZone: options.timeZone ?? "UTC",
      },
      {
        notifier: {
          readValue: (name) => notes.get(name) ?? null,
          saveValue: (name, value) => void notes.set(name, value),
          post(post, chat = 0) {
            posts.push({ at: new Date(us / 1000).toISOString().slice(0, 16), chat, post });
            if (options.isSent?.() ?? true) post.onSent?.(chat);
          },
        },
        facts: async (date, isLast) => {
          asked.push(date);
          return (options.known?.() ?? true) || isLast ? facts(date) : null;
        },
        picture: async () => new Uint8Array([1]),
        nowUs: () => us,
        log: silentLog,
      },
    );
  let digest = begin();
  return {
    posts,
    asked,
    /** Minute by minute. */
    async pass(hours: number) {
      for (let n = 0; n < hours * 60; n++) {
        us += minute;
        digest.tick();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    restart() {
      digest = begin();
    },
    sleep(hours: number) {
      us += hours * hour;
    },
  };
}

test("the digest comes once a day at its time, even after a restart, and skips days before the first start", async () => {
  const day = morning({ from: "2026-11-24T08:00:00Z", chats: [42, 43] });
  await day.pass(24);
  expect(day.posts).toEqual([]);
  for (let n = 0; n < 3; n++) {
    await day.pass(1);
    day.restart();
    await day.pass(3);
    day.restart();
    await day.pass(20);
  }
  expect(day.posts.map(({ at, chat, post }) => `${at} ${chat} ${post.name}`)).toEqual([
    "2026-11-25T09:00 42 digest of 2026-11-24",
    "2026-11-25T09:00 43 digest of 2026-11-24",
    "2026-11-26T09:00 42 digest of 2026-11-25",
    "2026-11-26T09:00 43 digest of 2026-11-25",
    "2026-11-27T09:00 42 digest of 2026-11-26",
    "2026-11-27T09:00 43 digest of 2026-11-26",
  ]);
  expect(day.posts[0]?.post).toMatchObject({ picture: new Uint8Array([1]), letter: { silent: true } });
});

test("a digest that was not sent before a restart is made again; a machine that slept through its time sends it late", async () => {
  let isSent = false;
  const day = morning({ from: "2026-11-24T08:00:00Z", isSent: () => isSent });
  await day.pass(26);
  expect(day.posts).toHaveLength(1);
  day.restart();
  isSent = true;
  await day.pass(1);
  expect(day.posts).toHaveLength(2);
  day.restart();
  await day.pass(1);
  expect(day.posts).toHaveLength(2);
  day.sleep(23);
  await day.pass(1);
  expect(day.posts.map(({ at }) => at)).toEqual(["2026-11-25T09:00", "2026-11-25T10:01", "2026-11-26T11:01"]);
});

test("in summer and in winter it is nine by the clock on the wall, and changing the clock neither skips nor doubles it", async () => {
  const spring = morning({ from: "2026-03-27T12:00:00Z", timeZone: "Europe/Berlin", at: 2 * 60 + 30 });
  await spring.pass(72);
  // 02:30 does not exist on the 29th: it is three by then.
  expect(spring.posts.map(({ at }) => at)).toEqual(["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]);
  const autumn = morning({ from: "2026-10-23T12:00:00Z", timeZone: "Europe/Berlin", at: 2 * 60 + 30 });
  await autumn.pass(72);
  expect(autumn.posts.map(({ at }) => at)).toEqual(["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"]);
  expect(localTime(Date.parse("2026-11-24T15:30:00Z") * 1000, "Asia/Seoul")).toEqual({
    date: "2026-11-25",
    minutes: 30,
  });
});

test("if the day has only just ended, as at nine in Seoul, it waits for the archives, two hours at most", async () => {
  let known = false;
  const day = morning({ from: "2026-11-24T02:30:00Z", timeZone: "Asia/Seoul", known: () => known });
  await day.pass(22);
  expect(day.posts).toEqual([]);
  known = true;
  await day.pass(1);
  expect(day.posts.map(({ at, post }) => `${at} ${post.name}`)).toEqual(["2026-11-25T00:31 digest of 2026-11-24"]);
  known = false;
  await day.pass(26);
  expect(day.posts[1]?.at).toBe("2026-11-26T02:00");
  // Asked once a minute, not once a second.
  expect(day.asked.length).toBeLessThan(200);
});

test("the digest reports recorded and missing data, the loss, and upcoming events", () => {
  const incidents = createScriptedIncidents(() => Date.parse("2026-11-24T03:12:00Z") * 1000);
  const { id } = incidents.raise({ rule: "disconnected", severity: "critical" });
  const closed = incidents.close(id, { to_us: Date.parse("2026-11-24T03:24:00Z") * 1000, records_lost: 4 });
  const nowUs = Date.parse("2026-11-25T09:00:00Z") * 1000;
  const say = (language: "en" | "ko", of: Partial<DigestFacts> = {}) =>
    plainOf(
      digestHtml(
        { ...facts("2026-11-24"), incidents: [closed], ...of },
        { language, nowUs, host: "home-server", timeZone: "UTC" },
      ),
    );
  expect(say("en")).toBe(
    [
      "📊 Tue 24 Nov (UTC): 99.98% recorded",
      "12,345,678 records of 15 symbols",
      "Incomplete: SOLUSDT 99.80%",
      "Gaps: 3, the longest 2\u00a0min\u00a048\u00a0s. 120 trades were fetched again. 4 records are lost.",
      "Incidents: 1",
      "✅ No connection to Binance, 12\u00a0min from 24 Nov 03:12 · 4 records lost",
      "Archives: 30, 1.13\u00a0GB from 14.2\u00a0GB",
      "Disk: 612\u00a0GB free, full in 120\u00a0d at this pace",
      "home-server",
    ].join("\n"),
  );
  expect(say("ko")).toBe(
    [
      "📊 11월 24일(화) UTC: 기록률 99.98%",
      "심볼 15개, 데이터 12,345,678건",
      "빠진 심볼: SOLUSDT 99.80%",
      "공백 3건, 최장 2분\u00a048초. 체결 120건 복구. 데이터 4건 유실.",
      "문제 1건",
      "✅ 바이낸스 연결 끊김 (11월 24일 03:12부터 12분) · 유실: 데이터 4건",
      "아카이브 30개, 14.2\u00a0GB → 1.13\u00a0GB",
      "디스크 612\u00a0GB 남음, 이 속도면 120일 뒤 가득 참",
      "home-server",
    ].join("\n"),
  );
  const whole = {
    coverage: 1,
    incomplete: [],
    incidents: [],
    gaps: { count: 0, longestUs: 0, missing: 0, repaired: 0 },
  };
  expect(say("en", whole)).toContain("100% recorded\n12,345,678 records of 15 symbols\nNo gaps.\nNo incidents.\n");
  // A day that is not complete while an incident is open is not called good, although no gap has been written down yet.
  const away = incidents.raise({ rule: "disconnected", severity: "critical" });
  const unfinished = { incidents: [], gaps: whole.gaps, open: [away] };
  expect(say("en", unfinished)).toStartWith("🔴 Tue 24 Nov (UTC): 99.98% recorded · 1 open now\n");
  expect(say("en", unfinished)).toContain(
    "A gap of that day is not over yet.\nOpen now (/alerts):\n🔴 No connection to Binance",
  );
  expect(say("en", unfinished)).not.toMatch(/No gaps|No incidents/);
  expect(say("ko", { ...unfinished, coverage: 1 })).not.toMatch(/공백 없음|문제 없음/);
  // A picture's words may not be longer.
  const many = Array.from({ length: 300 }, () => closed);
  const incomplete = Array.from({ length: 300 }, (_, n) => ({ symbol: `SYM${n}USDT`, coverage: 0.5 }));
  expect(say("en", { incidents: many, incomplete }).length).toBeLessThanOrEqual(1024);
});
