import type { LiveCatalogue } from "../../catalogue/live-catalogue.ts";
import type { Config } from "../../config/config.ts";
import { type ChannelTarget, channelName, parseChannel } from "../../domain/incidents/channel-target.ts";
import type { Incidents } from "../../domain/incidents/incident.ts";
import type { RecordingState } from "../../domain/incidents/recording-state.ts";
import { createChannel } from "../../notify/channels/channel.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { version } from "../../platform/process/version.ts";
import { createNotifier, type Notifier } from "../../telegram/notifier/notifier.ts";
import { createChannelSender } from "./channel-sender.ts";
import { channelId, channelStore, forgetChannels } from "./channel-store.ts";

/** Incidents on the services of `[[alerts.channel]]`, each with a queue of its own. Recording never waits for them. */
export type Channels = {
  start(): void;
  /** Call it once a second. Returns at once. */
  tick(): void;
  stop(deadlineMs: number): Promise<void>;
};

/** Creates the configured channels; `start` starts them. Each follows the incidents as a chat of Telegram does. */
export function createChannels(
  config: Config,
  sources: {
    readonly catalogue: Pick<LiveCatalogue, "outgoing">;
    readonly incidents: Incidents;
    readonly recording: () => RecordingState;
    readonly nowUs: () => number;
    readonly log: Log;
  },
): Channels {
  const { catalogue, log } = sources;
  const ids = config.alerts.channel.map(({ url }) => channelId(url));
  const notifiers = config.alerts.channel.flatMap((setting): Notifier[] => {
    const target = parseChannel(setting.url);
    return target === null ? [] : [notifierOf(target, setting)];
  });

  function notifierOf(target: ChannelTarget, setting: Config["alerts"]["channel"][number]): Notifier {
    const { telegram, http, host } = config;
    const id = channelId(setting.url);
    const store = () => channelStore(catalogue.outgoing, id);
    const page = http.public_url === "" ? null : http.public_url;
    const options = {
      ...{ chats: [id], host, service: channelName(target), medium: "page" as const },
      language: setting.language ?? telegram.language,
      minSeverity: setting.min_severity ?? telegram.min_severity,
      quietHours: setting.quiet_hours === undefined ? telegram.quiet_hours : setting.quiet_hours,
      ...(telegram.time_zone === null ? {} : { timeZone: telegram.time_zone }),
    };
    const sender = createChannelSender(createChannel(target, { version }), { store, page });
    return createNotifier(options, { ...sources, sender, store });
  }

  return {
    start() {
      try {
        forgetChannels(catalogue.outgoing, ids);
      } catch (error) {
        log.warn("cannot remove the messages of former channels", { reason: messageOf(error) });
      }
      for (const notifier of notifiers) notifier.start();
    },
    tick() {
      for (const notifier of notifiers) notifier.tick();
    },
    async stop(deadlineMs) {
      await Promise.all(notifiers.map((notifier) => notifier.stop(deadlineMs)));
    },
  };
}
