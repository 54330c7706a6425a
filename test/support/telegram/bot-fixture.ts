import type { Log } from "../../../server/platform/log/log.ts";
import type { LogFields } from "../../../server/platform/log/log-format.ts";
import { type Bot, type BotDeps, createBot } from "../../../server/telegram/bot/bot.ts";
import { createIncidentButtons } from "../../../server/telegram/bot/incident-buttons.ts";
import type { Language } from "../../../server/text/language.ts";
import { fakeHistory } from "../fakes/fake-history.ts";
import { fakeStatus } from "../fakes/fake-status.ts";
import { until } from "../wait.ts";
import { type BotApi, startBotApi } from "./bot-api.ts";
import { createScriptedIncidents, type ScriptedIncidents } from "./scripted-incidents.ts";

export const token = "8123456789:AAFf_secretSECRETsecretSECRETsecret12";
export const chat = 77_001;

/** One pixel. */
export const onePixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** A bot that listens to an emulated Telegram, over a recorder that is made up. */
export type BotBench = {
  readonly api: BotApi;
  readonly bot: Bot;
  readonly incidents: ScriptedIncidents;
  /** All that was logged. */
  readonly log: string[];
  stop(): Promise<void>;
};

/** Waits as short as tests need them. */
export const quickPace = {
  longPollSeconds: 1,
  retryMs: { first: 5, longest: 40 },
  refusedMs: 30,
  conflictMs: [5, 10],
} as const;

export async function startBotBench(
  options: { language?: Language; symbols?: number; over?: Partial<BotDeps>; burst?: number } = {},
): Promise<BotBench> {
  const { language = "en", symbols = 3, over = {}, burst = 10_000 } = options;
  const api = await startBotApi(token, chat);
  const nowUs = () => Date.now() * 1000;
  const incidents = createScriptedIncidents(nowUs);
  const lines: string[] = [];
  const log = collectingLog(lines);
  const bot = createBot(
    {
      token,
      apiRoot: api.url,
      language,
      host: "recorder-1",
      timeZone: "UTC",
      pace: quickPace,
      allowance: { burst, everyMs: 1500 },
    },
    {
      status: () => fakeStatus(3, symbols),
      history: fakeHistory(symbols),
      incidents,
      book: (symbol) => ({ symbol, recv_us: nowUs() - 42_000, net_delay_ms: 110, book }),
      pictures: { draw: async () => onePixel, stop() {} },
      logs: () => [{ at_us: nowUs() - 60e6, level: "warn", text: "the connection was lost <1006> host=stream:9443" }],
      nowUs,
      priceStream: () => "depth20",
      dataDir: "/nowhere",
      chats: () => [chat],
      buttons: createIncidentButtons({ language, timeZone: "UTC" }, { incidents, refresh() {}, nowUs }),
      log,
      ...over,
    },
  );
  bot.start();
  await until(() => api.seen.length === 3, "the menu in each language");
  return {
    ...{ api, bot, incidents, log: lines },
    async stop() {
      await bot.stop();
      await api.stop();
    },
  };
}

function collectingLog(lines: string[]): Log {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

const level = (price: number, size: number) => [price.toFixed(8), size.toFixed(8)];

const book = JSON.stringify({
  lastUpdateId: 48_291_849_102,
  bids: Array.from({ length: 20 }, (_, n) => level(86_704.77 - n * 0.37, 0.4 + n * 1.234)),
  asks: Array.from({ length: 20 }, (_, n) => level(86_704.78 + n * 0.41, 4.1 - n * 0.2)),
});
