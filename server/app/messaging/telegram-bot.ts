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
import type { Notifications } from "./notifications.ts";

/** The bot, and the pictures that it and the digest show. */
export type AppBot = {
  start(): void;
  /** Null where no bot is configured. */
  status(): BotStatus | null;
  /** Ends what is under way; resolves soon. Idempotent. */
  stop(): Promise<void>;
};

/** What the bot is made of. */
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

/** Draws the digest's picture of a UTC day, a PNG. */
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

/** The bot that the config asks for; does nothing before `start`. `alerts` knows its chats and the buttons under incidents. */
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
        .symbols.find((one) => one.symbol === symbol)
        ?.streams.map(({ stream }) => stream) ?? [],
    );
  // Without chats it listens as well, so that the log tells the id of whoever writes to it.
  const people = alerts ?? { chats: () => [], buttons: { press: () => null } };
  const bot =
    token === ""
      ? null
      : createBot({ token, apiRoot, language, host: config.host }, { ...sources, ...people, priceStream });
  return {
    start: () => bot?.start(),
    status: () => bot?.status() ?? null,
    async stop() {
      sources.pictures.stop();
      await bot?.stop();
    },
  };
}

/** Folder of the stream with both sides of the book, the deepest first; of trades where there is no other. */
function bestPrices(names: readonly StreamTypeName[]): StreamFolder | null {
  const types = names.map(parseStreamType).filter((type) => type !== null);
  const rank = ({ kind, levels }: StreamType) => streamKinds[kind].priceRank + (levels ?? 0);
  const best = types.toSorted((a, b) => rank(b) - rank(a))[0];
  return best === undefined || rank(best) === 0 ? null : best.folder;
}
