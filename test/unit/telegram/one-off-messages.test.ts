import { expect, test } from "bun:test";
import { createLog } from "../../../server/platform/log/log.ts";
import type { OneOffMessage } from "../../../server/telegram/notifier/one-off-messages.ts";
import { evening } from "../../support/telegram/evening.ts";
import { refusal } from "../../support/telegram/fake-telegram.ts";

const picture = new Uint8Array([137, 80, 78, 71]);

function digestOf(day: number, nowUs: number, sent: number[] = []): OneOffMessage {
  const letter = { html: `<b>day ${day}</b>`, silent: true };
  return { name: `digest ${day}`, letter, picture, untilUs: nowUs + 3600e6, onSent: (chat) => void sent.push(chat) };
}

test("a picture comes with its words, to every chat once; where pictures are not taken the words come alone", async () => {
  const night = await evening({ chats: [42, -7] });
  const { telegram, notifier } = night;
  const sent: number[] = [];
  telegram.script(({ method, chat }) =>
    method === "sendPhoto" && chat === -7
      ? refusal(400, "Bad Request: not enough rights to send photos to the chat")
      : null,
  );
  notifier.post(digestOf(1, night.nowUs(), sent));
  await night.pass(30);
  expect(telegram.chat(42)).toMatchObject([{ text: "day 1", silent: true, picture }]);
  expect(telegram.chat(-7)).toMatchObject([{ text: "day 1", silent: true, picture: null }]);
  expect(sent.sort()).toEqual([-7, 42]);
  await night.stop();
});

test("while Telegram cannot be reached it waits behind incidents, until it is too old; ten at most wait", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line));
  const night = await evening({ log });
  const { telegram, notifier, incidents } = night;
  telegram.script(() => refusal(500, "Internal Server Error"));
  for (let day = 1; day <= 12; day++) notifier.post(digestOf(day, night.nowUs()));
  await night.pass(5);
  expect(notifier.status()).toMatchObject({ waiting: 10, state: "unreachable" });
  incidents.raise({ rule: "cpu" });
  telegram.script(() => null);
  await night.pass(30);
  expect(telegram.chat(42).map(({ text }) => text.split("\n")[0])).toEqual([
    "🟠 Recording · CPU at its limit · check other programs",
    ...Array.from({ length: 10 }, (_, n) => `day ${n + 3}`),
  ]);
  expect(lines.filter((line) => line.includes("too much is waiting"))).toHaveLength(2);

  telegram.script(() => refusal(500, "Internal Server Error"));
  notifier.post(digestOf(13, night.nowUs()));
  await night.leap(4000);
  telegram.script(() => null);
  await night.pass(400);
  expect(telegram.chat(42).filter(({ text }) => text === "day 13")).toEqual([]);
  expect(lines.filter((line) => line.includes("it has become too old"))).toHaveLength(1);
  await night.stop();
});
