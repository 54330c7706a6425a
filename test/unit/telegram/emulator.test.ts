import { expect, test } from "bun:test";
import { TelegramServer } from "telegram-test-api/lib/telegramServer.js";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createBotApi } from "../../../server/telegram/api/bot-api.ts";
import { createNotifier } from "../../../server/telegram/notifier/notifier.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { token } from "../../support/telegram/evening.ts";
import { createScriptedIncidents } from "../../support/telegram/scripted-incidents.ts";
import { until } from "../../support/wait.ts";

const chat = 1001;

test("against an emulator of the Bot API written by others: an incident opens, changes and ends, with its buttons", async () => {
  const port = await freePort();
  const emulator = new TelegramServer({ port, host: "127.0.0.1" });
  await emulator.start();
  const client = emulator.getClient(token, { chatId: chat, timeout: 3000, interval: 20 });
  const catalogue = openCatalogue(temporaryFolder());
  let us = Date.parse("2026-11-24T22:00:00Z") * 1000;
  const incidents = createScriptedIncidents(() => us);
  const notifier = createNotifier(
    { chats: [chat], language: "ko", host: "home-server", timeZone: "Asia/Seoul" },
    {
      incidents,
      sender: createBotApi({ token, apiRoot: emulator.config.apiURL }),
      store: () => catalogue.outgoing,
      recording: () => "all",
      nowUs: () => us,
      log: silentLog,
    },
  );
  const seen = async () => {
    const history = (await client.getUpdatesHistory()) as { message: Record<string, unknown> }[];
    return history.map(({ message }) => message);
  };
  const passUntil = (condition: () => Promise<boolean>, what: string) =>
    until(async () => {
      us += 1e6;
      notifier.tick();
      return condition();
    }, what);

  notifier.start();
  const { id } = incidents.raise({ rule: "stale", subjects: ["BTCUSDT depth20"] });
  await passUntil(async () => (await seen()).length === 1, "the message");
  const [opened] = await seen();
  expect(opened).toMatchObject({
    chat_id: chat,
    parse_mode: "HTML",
    text: expect.stringMatching(
      /^🟠 <b>일부 기록 중단 · BTCUSDT depth20 수신 끊김 · 자동 재시도 중<\/b>\n07:00 KST부터/,
    ),
    reply_markup: {
      inline_keyboard: [
        [
          { text: "확인함", callback_data: `ack:${id}` },
          { text: "🔕 1시간", callback_data: `mute:${id}:60` },
          { text: "🔕 8시간", callback_data: `mute:${id}:480` },
        ],
      ],
    },
  });
  incidents.acknowledge(id, "민수");
  await passUntil(async () => String((await seen())[0]?.text).includes("민수 확인함"), "the change");
  us += 600e6;
  incidents.close(id, { records_lost: 0 });
  await passUntil(async () => (await seen()).length === 2, "the reply");
  const [closed, reply] = await seen();
  expect(closed?.text).toStartWith("✅ <b>10분 ");
  expect(reply).toMatchObject({
    text: expect.stringContaining("만에 해소 · BTCUSDT depth20 수신 끊김 · 유실 없음"),
    disable_notification: true,
  });
  expect(notifier.status()).toMatchObject({ state: "ok", waiting: 0, last_error: null });

  await notifier.stop(1000);
  await emulator.stop();
  catalogue.close();
}, 60_000);

/** The emulator cannot be given port 0. */
async function freePort(): Promise<number> {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { port } = server;
  await server.stop(true);
  return port ?? 0;
}
