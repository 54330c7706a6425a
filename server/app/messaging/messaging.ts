import type { LiveCatalogue } from "../../catalogue/live-catalogue.ts";
import type { Config } from "../../config/config.ts";
import type { BotStatus, TelegramStatus } from "../../domain/status.ts";
import { createNotifications } from "./notifications.ts";
import { type BotSources, createAppBot, createDayPictures } from "./telegram-bot.ts";

/** Notifications and the Telegram bot. Recording never waits for either. */
export type Messaging = {
  start(): void;
  /** Call it once a second. Returns at once. */
  tick(): void;
  /** Null if Telegram notifications (`telegram`) or the bot (`bot`) are not configured. */
  telegram(): TelegramStatus | null;
  bot(): BotStatus | null;
  /** Finishes pending messages within `deadlineMs`. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
};

/** Creates the configured notifications and bot; `start` starts them. */
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
