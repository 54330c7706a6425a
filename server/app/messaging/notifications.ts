import type { LiveCatalogue } from "../../catalogue/live-catalogue.ts";
import type { Config } from "../../config/config.ts";
import type { Incidents } from "../../domain/incidents/incident.ts";
import { type RecordingState, recordingState } from "../../domain/incidents/recording-state.ts";
import type { History } from "../../domain/queries.ts";
import type { Status, TelegramStatus } from "../../domain/status.ts";
import { createHeartbeat, type Heartbeat } from "../../notify/heartbeat.ts";
import { createWebhook, type Webhook } from "../../notify/webhook.ts";
import type { Log } from "../../platform/log/log.ts";
import { version } from "../../platform/process/version.ts";
import { createBotApi } from "../../telegram/api/bot-api.ts";
import { createIncidentButtons, type IncidentButtons } from "../../telegram/bot/incident-buttons.ts";
import { createDigest, type Digest } from "../../telegram/notifier/digest.ts";
import { createNotifier, type Notifier } from "../../telegram/notifier/notifier.ts";
import { telegramStore } from "./channel-store.ts";
import { createChannels } from "./channels.ts";
import { digestFacts } from "./digest.ts";

/** Notifications by Telegram, webhook and heartbeat. Recording never waits for any of them. */
export type Notifications = {
  start(): void;
  /** Call it once a second. Returns at once. */
  tick(): void;
  /** Null if Telegram is not configured. */
  telegram(): TelegramStatus | null;
  /** The buttons under incidents and the chats, for the bot; null without Telegram. */
  readonly bot: { readonly buttons: IncidentButtons; readonly chats: Notifier["chats"] } | null;
  /** Finishes pending messages within `deadlineMs`. Idempotent. */
  stop(deadlineMs: number): Promise<void>;
};

/** The sources of the alerts. */
export type AlertSources = {
  readonly catalogue: Pick<LiveCatalogue, "outgoing">;
  readonly incidents: Incidents;
  readonly history: Pick<History, "archives" | "coverage" | "gaps">;
  readonly status: () => Status;
  readonly nowUs: () => number;
  readonly log: Log;
  /** Draws the digest's picture of a day as PNG. */
  readonly picture?: (date: string) => Promise<Uint8Array | null>;
};

/** Creates the configured notifications; `start` starts them. */
export function createNotifications(config: Config, sources: AlertSources): Notifications {
  const { incidents, nowUs, log } = sources;
  const telegram = createTelegram(config, sources);
  const channels = createChannels(config, { ...sources, recording: () => recordingNow(sources) });
  const webhook = createWebhookOf(config, sources);
  const heartbeat = createHeartbeatOf(config, sources);
  return {
    start() {
      warnIncomplete(config, log);
      telegram?.notifier.start();
      channels.start();
      webhook?.start();
      if (webhook !== null) incidents.onChange(webhook.enqueue);
    },
    tick() {
      telegram?.notifier.tick();
      channels.tick();
      telegram?.digest?.tick();
      webhook?.tick();
      heartbeat?.tick(() => sources.status().ready);
    },
    telegram: () => telegram?.notifier.status() ?? null,
    bot: telegram === null ? null : { buttons: buttonsOf(config, telegram.notifier), chats: telegram.notifier.chats },
    async stop(deadlineMs) {
      await Promise.all([
        telegram?.notifier.stop(deadlineMs),
        channels.stop(deadlineMs),
        webhook?.stop(),
        heartbeat?.stop(),
      ]);
    },
  };

  function buttonsOf(config: Config, notifier: Notifier): IncidentButtons {
    const about = { language: config.telegram.language, ...zoneOf(config) };
    return createIncidentButtons(about, { incidents, refresh: notifier.refresh, nowUs });
  }
}

function createTelegram(config: Config, sources: AlertSources): { notifier: Notifier; digest: Digest | null } | null {
  const { token, chats, api_root: apiRoot, language, digest_time: atMinutes } = config.telegram;
  const { quiet_hours: quietHours, min_severity: minSeverity } = config.telegram;
  if (token === "" || chats.length === 0) return null;
  const { catalogue, incidents, nowUs, log, picture } = sources;
  const about = { chats, language, host: config.host, ...zoneOf(config) };
  const sender = createBotApi({ token, apiRoot });
  const notifier = createNotifier(
    { ...about, quietHours, minSeverity },
    {
      incidents,
      sender,
      store: () => telegramStore(catalogue.outgoing),
      recording: () => recordingNow(sources),
      nowUs,
      log,
    },
  );
  if (atMinutes === null) return { notifier, digest: null };
  const digest = createDigest(
    { ...about, atMinutes },
    {
      ...{ notifier, nowUs, log },
      facts: (date, isLast) => digestFacts(date, isLast, sources),
      picture: picture ?? (async () => null),
    },
  );
  return { notifier, digest };
}

function recordingNow({ status, incidents }: AlertSources): RecordingState {
  return recordingState(
    status(),
    incidents.open().some(({ rule }) => rule === "write_error"),
  );
}

/** Returns the time zone of messages and answers; empty for the machine's. */
export function zoneOf({ telegram: { time_zone: timeZone } }: Pick<Config, "telegram">): {
  readonly timeZone?: string;
} {
  return timeZone === null ? {} : { timeZone };
}

/** Returns a time, µs, that steps of the wall clock do not change, for timeouts and ages. */
const steadyUs = () => Math.round((performance.timeOrigin + performance.now()) * 1000);

function createWebhookOf({ alerts, http, host }: Config, { catalogue, log }: AlertSources): Webhook | null {
  if (alerts.webhook_url === "") return null;
  const publicUrl = http.public_url === "" ? null : http.public_url;
  return createWebhook(
    { url: alerts.webhook_url, host, version, publicUrl },
    { nowUs: steadyUs, store: () => catalogue.outgoing, log },
  );
}

function createHeartbeatOf({ alerts }: Config, { log }: AlertSources): Heartbeat | null {
  if (alerts.heartbeat_url === "") return null;
  const options = { url: alerts.heartbeat_url, everySeconds: alerts.heartbeat_seconds, version };
  return createHeartbeat(options, { nowUs: steadyUs, log });
}

/** Warns if only token or chats are set, which is probably a mistake. */
function warnIncomplete({ telegram }: Config, log: Log): void {
  if (telegram.token !== "" && telegram.chats.length === 0)
    log.warn(
      "telegram.chats is empty, so no notifications are sent; write to the bot, and `rt-data check --telegram` prints your chat id",
    );
  if (telegram.token === "" && telegram.chats.length > 0)
    log.warn("telegram.token is empty, so no notifications are sent; set it to the token from @BotFather");
}
