import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Incident } from "../../../server/domain/incidents/incident.ts";
import { incidentRules } from "../../../server/domain/incidents/incident-rules.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import { createBotApi } from "../../../server/telegram/api/bot-api.ts";
import { createIncidentButtons } from "../../../server/telegram/bot/incident-buttons.ts";
import {
  incidentMessage,
  overMessage,
  stillMessage,
  worseMessage,
} from "../../../server/telegram/text/incident-message.ts";
import {
  overSeveralMessage,
  stillSeveralMessage,
  summaryMessage,
} from "../../../server/telegram/text/summary-message.ts";
import { evening, token } from "../../support/telegram/evening.ts";
import { createFakeTelegram } from "../../support/telegram/fake-telegram.ts";
import { randomRuns } from "../../support/time/random-runs.ts";

const secret = token.split(":")[1] ?? "";

/** Hostile text: halves of characters, control characters, markup, a change of direction, far too long. */
const oddText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.string({ unit: "grapheme", maxLength: 100 }),
  fc
    .array(
      fc.constantFrom(
        "\ud83d",
        "\udc00",
        "<b>",
        "</b>",
        "&",
        "&lt;",
        '"',
        "\u0000",
        "\u202e",
        "😀",
        "\n",
        "{title}",
        "$&",
      ),
      { maxLength: 60 },
    )
    .map((parts) => parts.join("")),
  fc.constantFrom("", " ", "x".repeat(20_000), "<".repeat(9000), "\ud800".repeat(5000)),
);

const oddNumber = fc.oneof(fc.constantFrom(null, 0, -1, 1e308, Number.NaN, Number.POSITIVE_INFINITY), fc.double());

const startUs = 1_764_000_000_000_000;

const incident: fc.Arbitrary<Incident> = fc.record({
  id: fc.integer({ min: 1, max: 1e9 }),
  rule: fc.constantFrom(...incidentRules),
  severity: fc.constantFrom("info", "warning", "critical"),
  from_us: fc.integer({ min: startUs - 1e13, max: startUs }),
  to_us: fc.option(fc.integer({ min: startUs, max: startUs + 1e13 })),
  changed_us: fc.constant(startUs),
  subjects: fc.array(oddText, { maxLength: 50 }),
  subject_count: fc.integer({ min: 0, max: 1e6 }),
  value: oddNumber,
  worst: oddNumber,
  limit: oddNumber,
  detail: fc.option(oddText),
  records_lost: fc.option(fc.integer({ min: 0, max: 1e12 })),
  records_lost_estimate: fc.option(fc.double({ min: 0, max: 1e15, noNaN: true })),
  flaps: fc.integer({ min: 0, max: 1e6 }),
  acknowledged: fc.option(fc.record({ at_us: fc.constant(startUs), by: oddText })),
});

test("whatever an incident says, its messages are taken by Telegram at the first try, markup and all", async () => {
  const telegram = createFakeTelegram(token);
  const sender = createBotApi({ token, apiRoot: "http://telegram.test", fetch: telegram.fetch });
  await fc.assert(
    fc.asyncProperty(
      fc.array(incident, { minLength: 1, maxLength: 60 }),
      fc.constantFrom("en", "ko"),
      oddText,
      async (all, language, host) => {
        const [one] = all;
        if (one === undefined) return;
        const speech = { language, host: host || "h", nowUs: startUs + 60e6, timeZone: "UTC" } as const;
        const late = { unreachable: { fromUs: startUs, toUs: startUs + 1e9 }, open: all, over: all, forgotten: 7 };
        const letters = [
          incidentMessage(one, speech, startUs + 1e9),
          incidentMessage(one, speech),
          worseMessage(one, speech, 1),
          stillMessage(one, speech, 1),
          overMessage(one, speech, 1),
          summaryMessage(late, speech),
          summaryMessage({ ...late, unreachable: null }, speech),
          stillSeveralMessage(all, speech),
          overSeveralMessage(all, speech, null),
        ];
        for (const letter of letters) {
          const before = telegram.calls.length;
          expect(await sender.send(1, letter)).toMatchObject({ kind: "done" });
          expect(telegram.calls.length - before).toBe(1);
          expect(telegram.calls.at(-1)?.payload.parse_mode).toBe("HTML");
        }
      },
    ),
    { numRuns: randomRuns(40) },
  );
});

/** What the Bot API should never answer. */
const oddAnswer = fc
  .record({
    status: fc.integer({ min: 200, max: 599 }),
    body: fc.oneof(
      fc.json(),
      fc.constantFrom("", "<html>", "{", `{"ok":true,"result":{"message_id":"${token}"}}`),
      fc
        .record({
          ok: fc.constantFrom(true, false, "yes", null),
          error_code: fc.oneof(fc.constantFrom(400, 401, 403, 404, 409, 429, 500), fc.jsonValue()),
          description: fc.oneof(
            fc.constant(`Bad /bot${token}/ ${secret}`),
            fc.jsonValue(),
            fc.constantFrom("message is not modified", "chat not found", "can't parse entities"),
          ),
          parameters: fc.oneof(
            fc.jsonValue(),
            fc.record({ retry_after: fc.jsonValue(), migrate_to_chat_id: fc.jsonValue() }),
          ),
          result: fc.oneof(fc.jsonValue(), fc.record({ message_id: fc.jsonValue() })),
        })
        .map((value) => JSON.stringify(value)),
    ),
  })
  .filter(({ status }) => ![204, 205, 304].includes(status));

test("whatever the Bot API answers, the notifier goes on, and tells once it answers well; the token is in no line, error or status", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "debug", format: "json", color: false }, (line) => lines.push(line));
  await fc.assert(
    fc.asyncProperty(fc.array(oddAnswer, { minLength: 1, maxLength: 30 }), async (answers) => {
      const night = await evening({ chats: [42, -7], log });
      const { incidents, telegram } = night;
      const left = [...answers];
      telegram.script(() => {
        const next = left.pop();
        return next === undefined ? null : new Response(next.body, { status: next.status });
      });
      const { id } = incidents.raise({ rule: "disconnected", severity: "critical" });
      for (let n = 0; n < 40; n++) await night.pass(1);
      incidents.close(id);
      for (let n = 0; n < 60 && left.length > 0; n++) await night.leap(3600);
      for (let n = 0; n < 60; n++) await night.leap(3600);
      expect(night.notifier.status()).toMatchObject({ state: "ok", waiting: 0, last_error: null });
      const status = JSON.stringify([night.notifier.status(), night.notifier.chats()]);
      expect(status).not.toContain(secret);
      await night.stop();
    }),
    { numRuns: randomRuns(20) },
  );
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.join("")).not.toContain(secret);
});

test("a press of a button may bring anything", () => {
  const untouched = () => {
    throw new Error("no incident was meant");
  };
  const buttons = createIncidentButtons(
    { language: "en" },
    {
      incidents: { get: () => null, acknowledge: untouched, mute: untouched },
      refresh: untouched,
      nowUs: () => startUs,
    },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        oddText,
        fc.constantFrom(
          "ack:",
          "unack:",
          "unack:1",
          "ack:-1",
          "mute:1:61",
          "mute:1",
          "ack:1e3",
          "mute:99999999999999999999:60",
        ),
      ),
      fc.string(),
      (data, by) => {
        const answer = buttons.press(data, by);
        expect(answer === null || /^(ack|unack|mute):\d/.test(data)).toBe(true);
      },
    ),
  );
});
