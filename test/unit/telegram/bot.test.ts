import { afterEach, expect, setSystemTime, test } from "bun:test";
import { createStrangers } from "../../../server/telegram/bot/access.ts";
import { createUpdatePoller } from "../../../server/telegram/bot/update-poller.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";
import { nextSeen } from "../../support/telegram/bot-api.ts";
import { type BotBench, chat, onePixel, quickPace, startBotBench, token } from "../../support/telegram/bot-fixture.ts";
import { refusal } from "../../support/telegram/fake-telegram.ts";
import { until } from "../../support/wait.ts";

afterEach(() => setSystemTime());

const texts = ({ api }: BotBench) => api.seen.flatMap((seen) => ("text" in seen ? [seen.text] : []));
const warnings = ({ log }: BotBench) => log.filter((line) => /^(warn|error)/.test(line));

/** Everything that was asked before is answered by now, since the bot answers in the order in which it is asked. */
async function settled(bench: BotBench): Promise<void> {
  const before = bench.api.seen.length;
  await bench.api.say("/xyzzy");
  await until(() => texts(bench).some((text) => text.includes("/xyzzy")), "the answer to an unknown word");
  expect(bench.api.seen.length).toBeGreaterThan(before);
}

test("strangers get no answer, in private and in groups, and are counted; each is logged once an hour with the id to list", async () => {
  const bench = await startBotBench();
  const stranger = { id: 666, first_name: "Mallory\n\u202eevil", is_bot: false };
  for (let n = 0; n < 5; n++)
    bench.api.put({
      message: { message_id: n + 1, date: now(), chat: { id: 666, type: "private" }, from: stranger, text: "/status" },
    });
  bench.api.put({
    message: {
      message_id: 9,
      date: now(),
      chat: { id: -100_5, type: "supergroup", title: "Evil" },
      from: stranger,
      text: "/status",
    },
  });
  bench.api.put({
    callback_query: {
      id: "1",
      from: stranger,
      data: "go:status",
      message: { message_id: 1, chat: { id: 666, type: "private" } },
    },
  });
  await settled(bench);
  expect(texts(bench)).toHaveLength(1);
  expect(bench.api.calls.filter((method) => /answer|send|edit/.test(method))).toEqual(["sendMessage"]);
  expect(bench.bot.status().strangers).toBe(7);
  expect(warnings(bench)).toHaveLength(2);
  expect(warnings(bench)[0]).toContain('{"chat":666,"name":"Mallory evil"}');
  await bench.stop();
});

test("a thousand strangers are all counted, and at most a hundred are logged an hour", () => {
  const told: unknown[] = [];
  let ms = 0;
  const log = { debug() {}, info() {}, error() {}, warn: (_: string, fields: unknown) => void told.push(fields) };
  const strangers = createStrangers({ log, nowMs: () => ms });
  for (let id = 1; id <= 1000; id++) strangers.record(id, "x");
  expect([strangers.count(), told.length]).toEqual([1000, 100]);
  ms = 3_600_001;
  strangers.record(1, "x");
  expect(told).toHaveLength(101);
});

test("in a group it answers commands for itself or without a name, below the question, and ignores the rest", async () => {
  const group = -1_001_234_567_890;
  const bench = await startBotBench({ over: { chats: () => [group] } });
  const from = { id: 5, first_name: "Mina", is_bot: false };
  const say = (text: string, more = {}) =>
    bench.api.put({
      message: {
        message_id: 12,
        date: now(),
        chat: { id: group, type: "supergroup", title: "Ops" },
        from,
        text,
        ...more,
      },
    });
  say("/status@OtherBot");
  say("hello /status");
  say("/delay", { from: { id: 6, is_bot: true, first_name: "B" } });
  say("/disk@testnamebot");
  await until(() => texts(bench).length > 0, "an answer");
  expect(texts(bench)).toEqual([expect.stringContaining("TB free")]);
  await bench.stop();
});

test("commands of before the start and of more than five minutes ago are not acted upon, and make no flood", async () => {
  const bench = await startBotBench();
  for (let n = 0; n < 80; n++) await bench.api.say(`/mute ${n + 1}h`, { date: now() - 60 - n });
  setSystemTime(new Date(Date.now() + 3_600_000));
  await bench.api.say("/mute 9h", { date: now() - 301 });
  await settled(bench);
  expect(bench.incidents.mutes()).toEqual([]);
  expect(texts(bench)).toHaveLength(1);
  expect(bench.log.filter((line) => line.includes("ignoring commands"))).toHaveLength(1);
  await bench.stop();
});

test("a press that Telegram has forgotten has no effect", async () => {
  const bench = await startBotBench();
  bench.api.script((method) =>
    method === "answerCallbackQuery"
      ? refusal(400, "Bad Request: query is too old and response timeout expired")
      : null,
  );
  await bench.api.press("go:mute 1h", { id: 3 });
  await settled(bench);
  expect(bench.incidents.mutes()).toEqual([]);
  await bench.stop();
});

test("whoever hammers on buttons is asked to wait, once in words and then only above the button", async () => {
  const bench = await startBotBench({ burst: 3 });
  for (let n = 0; n < 8; n++) await bench.api.say("/help");
  await until(() => texts(bench).length === 4, "three answers and a request");
  for (let n = 0; n < 3; n++) await bench.api.press("go:help", { id: 1 });
  await until(() => texts(bench).length === 7, "three lines above the button");
  expect(texts(bench).filter((text) => text.startsWith("Too many requests"))).toHaveLength(4);
  expect(bench.api.seen.slice(7).map(({ kind }) => kind)).toEqual(["toast", "toast", "toast"]);
  await bench.stop();
});

test("with 300 symbols every page is a message that Telegram accepts, and every symbol is on a page", async () => {
  const bench = await startBotBench({ symbols: 300 });
  const found = new Set<string>();
  await bench.api.say("/symbols");
  for (let page = 1; page <= 12; page++) {
    const seen = await nextSeen(bench.api, 3 + page - 1, `page ${page}`);
    if (!("buttons" in seen)) throw new Error("no page");
    for (const [, symbol] of seen.text.matchAll(/^(\w+USDT) /gm)) found.add(symbol ?? "");
    const next = seen.buttons.flat().find(({ text }) => text.startsWith("Next"));
    if (page < 12) await bench.api.press(next?.data ?? "", { id: seen.id });
    else expect(next).toBeUndefined();
  }
  expect(found.size).toBe(300);
  for (const command of ["/status", "/delay", "/gaps", "/today", "/book", "/logs 40"]) await bench.api.say(command);
  await until(() => bench.api.seen.length === 3 + 12 + 6, "answers to all of them");
  await bench.stop();
});

test("pictures: shown below a question, changed in place, and sent as a new message in place of text", async () => {
  const bench = await startBotBench();
  await bench.api.say("/chart");
  const shown = await nextSeen(bench.api, 3, "a picture");
  expect(shown).toMatchObject({ kind: "picture", png: new Uint8Array(onePixel) });
  await bench.api.press("go:chart ETHUSDT 6h", { id: 500_001, isPicture: true });
  expect(await nextSeen(bench.api, 4, "another picture")).toMatchObject({ kind: "new picture", id: 500_001 });
  await bench.api.press("go:chart ETHUSDT 6h", { id: 7 });
  expect(await nextSeen(bench.api, 5, "a new picture")).toMatchObject({ kind: "picture" });
  expect(bench.api.calls).toContain("sendChatAction");
  await bench.stop();
});

test("a picture that cannot be drawn, a status that throws and markup that Telegram refuses are reported in words", async () => {
  const bench = await startBotBench({
    over: {
      pictures: { draw: () => Promise.reject(new Error("it took longer than <25> s")), stop() {} },
      logs: () => {
        throw new Error(`no such file ${token}`);
      },
      status: () => fakeStatus(1, 2, { reasons: ["<b>disk & <odd>"], ready: false }),
    },
  });
  for (const command of ["/chart", "/status"]) await bench.api.say(command);
  await until(() => texts(bench).length === 2, "answers");
  expect(texts(bench).join("\n")).toContain("it took longer than <25> s");
  expect(texts(bench).join("\n")).toContain("• <b>disk & <odd>");
  await bench.stop();
});

test("another program that polls with the token is named once, and the bot goes on when it is gone", async () => {
  const bench = await startBotBench();
  let isThere = true;
  bench.api.script((method) =>
    isThere && method === "getUpdates"
      ? refusal(
          409,
          "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
        )
      : null,
  );
  await until(() => bench.bot.status().state === "conflict", "the conflict to be seen");
  const polls = bench.api.calls.length;
  await until(() => bench.api.calls.length > polls + 5, "some more polls");
  expect(warnings(bench)).toEqual([expect.stringContaining("another program polls with this token")]);
  isThere = false;
  await settled(bench);
  expect(warnings(bench)).toHaveLength(1);
  await bench.stop();
});

test("a conflict or two, as after a restart, are not reported", async () => {
  const bench = await startBotBench();
  let left = 2;
  bench.api.script((method) =>
    method === "getUpdates" && left-- > 0 ? refusal(409, "Conflict: terminated by other getUpdates request") : null,
  );
  await settled(bench);
  expect([warnings(bench), bench.bot.status().state]).toEqual([[], "listening"]);
  await bench.stop();
});

test("a wrong token, a webhook, nonsense, too many requests and no network at all: told once each, without the token, and survived", async () => {
  const bench = await startBotBench();
  await settled(bench);
  const troubles: readonly [string, () => Response][] = [
    ["does not know the token", () => refusal(401, "Unauthorized")],
    ["a webhook is set", () => refusal(409, "Conflict: can't use getUpdates method while webhook is active")],
    ["cannot reach Telegram", () => new Response(`<html>${token}</html>`)],
    ["cannot reach Telegram", () => Response.json({ ok: true, result: { odd: true } })],
    ["cannot reach Telegram", () => Response.json({ ok: true, result: [{ message: {} }, null, 7] })],
    ["cannot reach Telegram", () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:1/" } })],
  ];
  for (const [what, answer] of troubles) {
    const before = bench.log.length;
    bench.api.script((method) => (method === "getUpdates" ? answer() : null));
    await until(() => bench.log.slice(before).some((line) => line.includes(what)), what);
    expect(warnings(bench).filter((line) => bench.log.indexOf(line) >= before).length).toBe(1);
    bench.api.script(() => null);
    if (what.includes("webhook")) continue;
    await until(
      () => bench.log.slice(before).some((line) => line.includes("listens again")),
      `the end of: ${what}`,
      30_000,
    );
  }
  bench.api.script((method) =>
    method === "getUpdates" ? refusal(429, "Too Many Requests", { retry_after: 0.05 }) : null,
  );
  const polls = bench.api.calls.length;
  await until(() => bench.api.calls.length > polls + 2, "polls after the pause");
  bench.api.script(() => null);
  await bench.api.stop();
  await until(() => bench.bot.status().state === "unreachable", "no network to be noticed");
  expect(bench.log.join("\n")).not.toContain(token.slice(12));
  await bench.bot.stop();
});

test("a pause that Telegram asks for is kept to the second, and stopping does not wait for it", async () => {
  const asked: number[] = [];
  const poller = createUpdatePoller(
    {
      calls: {
        me: async () => ({ kind: "done", value: "bot" }),
        async updates() {
          asked.push(performance.now());
          return { kind: "wait", seconds: asked.length > 1 ? 3600 : 0.15 };
        },
      },
      onUpdate() {},
      onName() {},
      log: { debug() {}, info() {}, warn() {}, error() {} },
    },
    quickPace,
  );
  poller.start();
  await until(() => asked.length === 2, "the second poll");
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(149);
  await poller.stop();
});

test("the bot starts and stops at once if Telegram does not answer", async () => {
  const bench = await startBotBench();
  await settled(bench);
  bench.api.script(() => new Response(new ReadableStream({ pull() {} })));
  await until(() => bench.api.calls.at(-1) === "getUpdates", "a poll");
  const begun = performance.now();
  await bench.bot.stop();
  expect(performance.now() - begun).toBeLessThan(1000);
  await bench.api.stop();
});

test("a chat is answered under the id that its group has now", async () => {
  let listed = [1];
  const bench = await startBotBench({ over: { chats: () => listed } });
  await bench.api.say("/help");
  await until(() => bench.bot.status().strangers === 1, "a stranger");
  listed = [chat];
  await settled(bench);
  await bench.stop();
});

function now(): number {
  return Math.floor(Date.now() / 1000);
}
