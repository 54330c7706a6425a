import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { type Log, silentLog } from "../../../server/platform/log/log.ts";
import { createBotApi } from "../../../server/telegram/api/bot-api.ts";
import type { NotifierOptions } from "../../../server/telegram/notifier/chat-speech.ts";
import { createNotifier, type Notifier } from "../../../server/telegram/notifier/notifier.ts";
import { temporaryFolder } from "../folder.ts";
import { createFakeTelegram, type FakeTelegram } from "./fake-telegram.ts";
import { createScriptedIncidents, type ScriptedIncidents } from "./scripted-incidents.ts";

/** A token as @BotFather gives them. */
export const token = "123456789:AAH-fake_Token0fNobody-xYz987654321";

/** A notifier on a time of its own, with a Bot API that needs no socket. */
export type Evening = {
  readonly incidents: ScriptedIncidents;
  readonly telegram: FakeTelegram;
  readonly notifier: Notifier;
  nowUs(): number;
  /** Lets this many seconds pass, second by second, or in longer steps. */
  pass(seconds: number, step?: number): Promise<void>;
  /** Lets this many seconds pass at once, as in a sleep of the machine. */
  leap(seconds: number): Promise<void>;
  /** Ends the notifier and starts a new notifier on the same catalogue. */
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/** Begins at 2026-11-24 22:00 UTC, or at `from`. */
export async function evening(
  options: Partial<NotifierOptions> & {
    log?: Log;
    from?: string;
    incidents?: (nowUs: () => number) => ScriptedIncidents;
  } = {},
): Promise<Evening> {
  let us = Date.parse(options.from ?? "2026-11-24T22:00:00Z") * 1000;
  const nowUs = () => us;
  const catalogue = openCatalogue(temporaryFolder());
  const incidents = createScriptedIncidents(nowUs);
  const telegram = createFakeTelegram(token);
  const begin = () =>
    createNotifier(
      { chats: [42], language: "en", host: "home-server", timeZone: "UTC", ...options },
      {
        incidents,
        sender: createBotApi({ token, apiRoot: "http://telegram.test", fetch: telegram.fetch }),
        store: () => catalogue.outgoing,
        recording: () => "all",
        nowUs,
        log: options.log ?? silentLog,
      },
    );
  let notifier = begin();
  notifier.start();
  await settle();
  return {
    incidents,
    telegram,
    get notifier() {
      return notifier;
    },
    nowUs,
    async pass(seconds, step = 1) {
      for (let n = 0; n < seconds; n += step) {
        us += step * 1e6;
        notifier.tick();
        await settle();
      }
    },
    async leap(seconds) {
      us += seconds * 1e6;
      notifier.tick();
      await settle();
    },
    async restart() {
      await notifier.stop(1000);
      notifier = begin();
      notifier.start();
      await settle();
    },
    async stop() {
      await notifier.stop(1000);
      await telegram.stop();
      catalogue.close();
    },
  };
}

/** Waits for pending work within the process. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
