import type { BotStatus } from "../../domain/status.ts";
import type { Log } from "../../platform/log/log.ts";
import type { Language } from "../../text/language.ts";
import { type BotApi, createBotApi } from "../api/bot-api.ts";
import { createSendQueue } from "../api/send-queue.ts";
import { createAllowance, createStrangers } from "./access.ts";
import { menuCommands } from "./bot-commands.ts";
import { goPrefix, type Sources } from "./command.ts";
import { createCommandRouter } from "./command-router.ts";
import type { IncidentButtons } from "./incident-buttons.ts";
import { createReply, type ReplyPlace } from "./reply.ts";
import { sharedWords } from "./shared-words.ts";
import { type Incoming, readIncoming } from "./update-parser.ts";
import { createUpdatePoller, type UpdatePollerPace } from "./update-poller.ts";

/** Answers on Telegram. Nothing of the recorder waits for it. */
export type Bot = {
  start(): void;
  /** Ends what is under way; resolves within a second or so. Idempotent. */
  stop(): Promise<void>;
  status(): BotStatus;
};

export type BotOptions = {
  readonly token: string;
  readonly apiRoot: string;
  readonly language: Language;
  readonly host: string;
  readonly timeZone?: string;
  readonly pace?: UpdatePollerPace;
  /** Questions of one chat: so many at once, then one every so often, ms. */
  readonly allowance?: { readonly burst: number; readonly everyMs: number };
};

export type BotDeps = Sources & {
  /** Chats that are answered, as they are called now. */
  readonly chats: () => readonly number[];
  /** The buttons under messages of incidents. */
  readonly buttons: IncidentButtons;
  readonly log: Log;
};

/** What was asked longer ago than this is not answered any more, s: it was meant for another moment. */
const oldSeconds = 300;

/** Telegram itself takes about one message a second for a chat. */
const usualAllowance = { burst: 20, everyMs: 1500 };

/** Questions of all chats that are being answered at once; more are passed over. */
const mostAtOnce = 12;

/** The bot of one token; does nothing before `start`. */
export function createBot(options: BotOptions, deps: BotDeps): Bot {
  const { language, timeZone } = options;
  const { log } = deps;
  const say = sharedWords[language];
  const ending = new AbortController();
  const calls = createBotApi({ ...options, signal: ending.signal });
  const sender = createSendQueue(options);
  const reply = createReply({ calls, sender, signal: ending.signal, log });
  const conversation = createCommandRouter(options, deps);
  const strangers = createStrangers({ log });
  const allowance = createAllowance(options.allowance ?? usualAllowance);
  const underWay = new Set<Promise<void>>();
  let startedS = 0;
  let answered = 0;
  let old = 0;
  const poller = createUpdatePoller({ calls, onUpdate, onName, log }, options.pace);

  function onName(name: string): void {
    log.info("the Telegram bot listens", { bot: `@${name}` });
    void setMenus(calls, log);
  }

  function onUpdate(update: unknown, botName: string): void {
    const incoming = readIncoming(update, botName);
    if (incoming === null) return;
    if (!deps.chats().includes(incoming.chat)) strangers.note(incoming.chat, incoming.title);
    else if (incoming.kind !== "talk" && !isOld(incoming)) begin(incoming);
  }

  /** After a night without network there may be a hundred of them: one line in the log, and no flood. */
  function isOld(incoming: Incoming): boolean {
    if (incoming.kind !== "command") return false;
    const isFresh = incoming.date >= startedS && Date.now() / 1000 - incoming.date <= oldSeconds;
    if (!isFresh && old++ === 0) log.info("commands of before the start, or of long ago, are not answered");
    return !isFresh;
  }

  function begin(incoming: Incoming & { kind: "command" | "press" }): void {
    const allowed = underWay.size >= mostAtOnce ? "refused" : allowance.take(incoming.chat);
    if (allowed === "granted") answered++;
    const work = (allowed === "granted" ? handle(incoming) : refuse(incoming, allowed === "first_refusal"))
      .catch((error) => log.debug("a question on Telegram was not answered", { reason: String(error?.message) }))
      .finally(() => underWay.delete(work));
    underWay.add(work);
  }

  async function refuse(incoming: Incoming & { kind: "command" | "press" }, isFirst: boolean): Promise<void> {
    if (incoming.kind === "press") await calls.answerPress(incoming.callback, say.tooFast);
    else if (isFirst) await reply(placeOf(incoming), { html: say.tooFast });
  }

  async function handle(incoming: Incoming & { kind: "command" | "press" }): Promise<void> {
    const { chat, who } = incoming;
    const line = lineOf(incoming);
    if (line === null) return;
    // Telegram forgets a press after a while: what is pressed no longer counts.
    if (incoming.kind === "press" && !(await calls.answerPress(incoming.callback, null)).ok) return;
    if (conversation.draws(line)) void calls.drawing(chat);
    const answer = await conversation.answer(line, { say, language, who, ...(timeZone && { timeZone }) });
    await reply(placeOf(incoming), answer);
  }

  /** The line of a command or a button; null where the button is of another kind, and answered. */
  function lineOf(incoming: Incoming & { kind: "command" | "press" }): string | null {
    if (incoming.kind === "command") return incoming.line;
    const { data, callback, who } = incoming;
    if (data.startsWith(goPrefix)) return data.slice(goPrefix.length);
    void calls.answerPress(callback, deps.buttons.press(data, who) ?? say.outdated);
    return null;
  }

  return {
    start() {
      startedS = Math.floor(Date.now() / 1000);
      poller.start();
    },
    async stop() {
      ending.abort();
      sender.abort();
      await poller.stop();
      await Promise.all(underWay);
    },
    status: () => ({ ...poller.state(), answered, strangers: strangers.count() }),
  };
}

function placeOf(incoming: Incoming & { kind: "command" | "press" }): ReplyPlace {
  const { chat, messageId } = incoming;
  if (incoming.kind === "press") return { chat, messageId, isPicture: incoming.isPicture, replyTo: null };
  return { chat, messageId: null, isPicture: false, replyTo: incoming.isGroup ? messageId : null };
}

/** The menu in both languages; without one the bot works as well. */
async function setMenus(calls: BotApi, log: Log): Promise<void> {
  for (const [language, code] of [
    ["en", null],
    ["en", "en"],
    ["ko", "ko"],
  ] as const) {
    const done = await calls.setMenu(
      menuCommands.map(({ name, about }) => ({ command: name, description: about[language] })),
      code,
    );
    if (!done.ok) {
      log.debug("the menu of the Telegram bot could not be set", { reason: done.problem });
      return;
    }
  }
}
