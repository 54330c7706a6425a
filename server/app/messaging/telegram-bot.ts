import type { Config } from "../../config/config.ts";
import type { Incidents } from "../../domain/incidents/incident.ts";
import type { History } from "../../domain/queries.ts";
import type { BotStatus, Status } from "../../domain/status.ts";
import { parseStreamType, type StreamFolder, type StreamType, type StreamTypeName } from "../../domain/stream.ts";
import { streamKinds } from "../../domain/stream-kinds.ts";
import type { Log } from "../../platform/log/log.ts";
import type { LogEntry } from "../../platform/log/recent-logs.ts";
import { createBot } from "../../telegram/bot/bot.ts";
import type { Sources } from "../../telegram/bot/command.ts";
import { dayRequest } from "../../telegram/bot/day-request.ts";
import { createPictureWorker } from "../../telegram/pictures/picture-worker-client.ts";
import { startPictureWorker } from "../../workers.ts";
import { type Notifications, zoneOf } from "./notifications.ts";

/** The Telegram bot, with the pictures of bot and digest. */
export type AppBot = {
  start(): void;
  /** Null if no bot is configured. */
  status(): BotStatus | null;
  /** Stops the bot and the drawing; resolves soon. Idempotent. */
  stop(): Promise<void>;
};

/** The sources of the bot's answers. */
export type BotSources = {
  readonly dataDir: string;
  readonly status: () => Status;
  readonly history: History;
  readonly incidents: Incidents;
  readonly book: Sources["book"];
  readonly logs: () => readonly LogEntry[];
  readonly nowUs: () => number;
  readonly log: Log;
};

/** Creates the drawing of a UTC day as PNG, for the digest. */
export function createDayPictures({
  status,
  history,
  nowUs,
  log,
}: Pick<BotSources, "status" | "history" | "nowUs" | "log">) {
  const pictures = createPictureWorker({ startWorker: startPictureWorker, log });
  return {
    pictures,
    ofDay: async (date: string) => pictures.draw(await dayRequest({ status, history, nowUs }, date)),
  };
}

/** Creates the configured bot; `start` starts it. `alerts`: its chats and the buttons under incidents. */
export function createAppBot(
  config: Config,
  sources: BotSources & { readonly pictures: Sources["pictures"] },
  alerts: Notifications["bot"],
): AppBot {
  const { token, api_root: apiRoot, language } = config.telegram;
  const { status } = sources;
  const priceStream = (symbol: string) =>
    bestPrices(
      status()
        .symbols.find((row) => row.symbol === symbol)
        ?.streams.map(({ stream }) => stream) ?? [],
    );
  // It listens even without chats, so that the log shows the chat id of anyone who writes to it.
  const people = alerts ?? { chats: () => [], buttons: { press: () => null } };
  const bot =
    token === ""
      ? null
      : createBot(
          { token, apiRoot, language, host: config.host, ...zoneOf(config) },
          { ...sources, ...people, priceStream },
        );
  return {
    start: () => bot?.start(),
    status: () => bot?.status() ?? null,
    async stop() {
      sources.pictures.stop();
      await bot?.stop();
    },
  };
}

/** Returns the folder of the deepest stream with both sides of the book, else of a trade stream, else null. */
function bestPrices(names: readonly StreamTypeName[]): StreamFolder | null {
  const types = names.map(parseStreamType).filter((type) => type !== null);
  const rank = ({ kind, levels }: StreamType) => streamKinds[kind].priceRank + (levels ?? 0);
  const best = types.toSorted((a, b) => rank(b) - rank(a))[0];
  return best === undefined || rank(best) === 0 ? null : best.folder;
}
