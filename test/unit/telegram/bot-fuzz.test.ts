import { expect, test } from "bun:test";
import fc from "fast-check";
import { plainOf } from "../../../server/telegram/api/html.ts";
import { go } from "../../../server/telegram/bot/command.ts";
import { createCommandRouter } from "../../../server/telegram/bot/command-router.ts";
import { sharedWords } from "../../../server/telegram/bot/shared-words.ts";
import { readIncoming, updateIdOf } from "../../../server/telegram/bot/update-parser.ts";
import { fakeHistory } from "../../support/fakes/fake-history.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";
import { chat, startBotBench, token } from "../../support/telegram/bot-fixture.ts";
import { withoutMarkup } from "../../support/telegram/fake-telegram.ts";
import { createScriptedIncidents } from "../../support/telegram/scripted-incidents.ts";
import { randomRuns } from "../../support/time/random-runs.ts";
import { until } from "../../support/wait.ts";

const word = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(
    "BTCUSDT",
    "#1",
    "1h",
    "99999h",
    "depth20",
    "2026-11-23",
    "all",
    "-1",
    "0",
    "__proto__",
    "<b>",
    "&amp;",
    "\u202e",
    "🦊".repeat(40),
    "\ud800",
  ),
);
const name = fc.constantFrom(
  ...[
    "status",
    "symbols",
    "book",
    "chart",
    "delay",
    "gaps",
    "disk",
    "today",
    "alerts",
    "mute",
    "unmute",
    "verify",
    "logs",
    "help",
  ],
  ...["start", "ack", "stauts", "constructor", "", "🦊"],
);
const line = fc.tuple(name, fc.array(word, { maxLength: 10 })).map(([command, words]) => [command, ...words].join(" "));

/** Something like what Telegram sends, with anything in any of its places. */
const thing = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.anything({ maxDepth: 2 }) },
);
const person = fc.record({
  id: fc.constantFrom(chat, 5),
  is_bot: fc.oneof(fc.boolean(), thing),
  first_name: fc.oneof(fc.string({ unit: "binary" }), thing),
  username: thing,
});
const place = fc.record({
  id: fc.oneof({ weight: 4, arbitrary: fc.constant(chat) }, { weight: 1, arbitrary: fc.anything() }),
  type: fc.oneof(fc.constantFrom("private", "group"), thing),
  title: thing,
});
const message = fc.record({
  message_id: fc.oneof(fc.integer(), thing),
  date: fc.oneof(fc.constant(Math.floor(Date.now() / 1000) + 5), thing),
  chat: fc.oneof(place, thing),
  from: fc.oneof(person, thing),
  text: fc.oneof(
    line.map((text) => `/${text}`),
    fc.string({ unit: "binary", maxLength: 6000 }),
    thing,
  ),
  photo: thing,
});
const press = fc.record({
  id: fc.oneof(fc.string(), thing),
  from: fc.oneof(person, thing),
  data: fc.oneof(
    line.map((text) => `go:${text}`),
    thing,
  ),
  message: fc.oneof(message, thing),
});
const update = fc.oneof(
  { weight: 5, arbitrary: fc.record({ message }) },
  { weight: 3, arbitrary: fc.record({ callback_query: press }) },
  { weight: 1, arbitrary: fc.anything() },
);

test("every update is read or skipped, without an exception", () => {
  fc.assert(
    fc.property(fc.oneof(update, fc.anything({ maxDepth: 4 })), (anything) => {
      const read = readIncoming(anything, "bot");
      updateIdOf(anything);
      if (read === null) return;
      expect(Number.isSafeInteger(read.chat)).toBe(true);
      expect(read.title).toMatch(/^[^\p{C}\n]{1,80}$/u);
      if (read.kind === "command") expect(read.line.length).toBeLessThanOrEqual(300);
    }),
    { numRuns: randomRuns(500) },
  );
});

test("every line gets an answer that Telegram takes: markup that is well-formed, short enough, with buttons whose data fit", async () => {
  const nowUs = () => Date.now() * 1000;
  const incidents = createScriptedIncidents(nowUs);
  incidents.raise({ rule: "stale", subjects: ["<b>&odd\u202e", "BTCUSDT depth20"], detail: "x".repeat(5000) });
  const conversation = createCommandRouter(
    { host: "<host>" },
    {
      ...{ incidents, nowUs, history: fakeHistory(40), status: () => fakeStatus(2, 40), dataDir: "/nowhere" },
      book: () => "no_data",
      pictures: { draw: () => Promise.reject(new Error("<no>")), stop() {} },
      logs: () =>
        Array.from({ length: 60 }, (_, n) => ({ at_us: nowUs(), level: "warn", text: `<${n}> ${"&😀".repeat(200)}` })),
      priceStream: () => "depth20",
    },
  );
  await fc.assert(
    fc.asyncProperty(line, fc.constantFrom("en" as const, "ko" as const), async (text, language) => {
      const answer = await conversation.answer(text, {
        language,
        say: sharedWords[language],
        who: "@mina",
        timeZone: "UTC",
      });
      expect(withoutMarkup(answer.html)).toBe(plainOf(answer.html));
      expect(plainOf(answer.html).length).toBeLessThanOrEqual(4096);
      expect(answer.html.isWellFormed()).toBe(true);
      for (const button of (answer.buttons ?? []).flat())
        expect(Buffer.byteLength(button.data)).toBeLessThanOrEqual(64);
    }),
    { numRuns: randomRuns(150) },
  );
});

test("after hundreds of random updates and odd answers the bot still answers, and the token is in no log", async () => {
  const bench = await startBotBench();
  const updates = fc.sample(update, { numRuns: 400, seed: 7 });
  let odd = 0;
  bench.api.script((method) => {
    if (method === "getUpdates" || ++odd % 5 !== 0) return null;
    const answers = [
      new Response(`nonsense ${token}`),
      Response.json(null),
      new Response("{", { status: 500 }),
      Response.json({ ok: false, description: { token }, error_code: "x" }),
      Response.json({ ok: true, result: null }),
    ];
    return answers[odd % answers.length] ?? null;
  });
  for (const one of updates) bench.api.put(one);
  const polls = bench.api.calls.length;
  await until(() => bench.api.calls.lastIndexOf("getUpdates") > polls, "all of them to be fetched", 30_000);
  bench.api.script(() => null);
  await until(async () => {
    await bench.api.say("/xyzzy");
    return bench.api.seen.some((seen) => "text" in seen && seen.text.includes("I do not know /xyzzy"));
  }, "an answer afterwards");
  const secret = token.split(":")[1] ?? "";
  expect(bench.log.filter((text) => text.includes(secret))).toEqual([]);
  expect(JSON.stringify(bench.api.seen)).not.toContain(secret);
  await bench.stop();
});

test("a line too long for a button gets no button, so that Telegram accepts the other buttons", () => {
  expect(go("chart", "chart BTCUSDT 1h")).toEqual([{ text: "chart", data: "go:chart BTCUSDT 1h" }]);
  expect(go("chart", `chart ${"币".repeat(60)} 1h`)).toEqual([]);
});
