import type { LiveCatalogue } from "../../catalogue/live-catalogue.ts";
import type { Config } from "../../config/config.ts";
import type { BotStatus, TelegramStatus } from "../../domain/status.ts";
import { createNotifications } from "./notifications.ts";
import { type BotSources, createAppBot, createDayPictures } from "./telegram-bot.ts";

/** The people outside: who is told, and who asks. Recording never waits for any of it. */
export type Messaging = {
  start(): void;
  /** Call it once a second. Returns at once. */
  tick(): void;
  /** Null where nobody is told on Telegram, and where no bot is configured. */
  telegram(): TelegramStatus | null;
  bot(): BotStatus | null;
  /** Ends what is under way within `deadlineMs`. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
};

/** Creates what the config asks for; does nothing before `start`. */
export function createMessaging(
  config: Config,
  sources: BotSources & { readonly catalogue: Pick<LiveCatalogue, "outgoing"> },
): Messaging {
  const { pictures, ofDay } = createDayPictures(sources);
  const alerts = createNotifications(config, { ...sources, picture: ofDay });
  const bot = createAppBot(config, { ...sources, pictures }, alerts.bot);
  return {
    start() {
      alerts.start();
      bot.start();
    },
    tick: alerts.tick,
    telegram: alerts.telegram,
    bot: bot.status,
    async stop(deadlineMs) {
      await Promise.all([alerts.stop(deadlineMs), bot.stop()]);
    },
  };
}
