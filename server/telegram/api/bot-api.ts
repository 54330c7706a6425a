import { Api, InputFile } from "grammy";
import { boundedFetchOf } from "../../platform/fetch/bounded-fetch.ts";
import { createDeadline, type Deadline } from "../../platform/time/deadline.ts";
import { type CallOutcome, type CallProblem, callProblemOf, isUnchanged } from "./call-problem.ts";
import { cut, mostCaption, mostText, plainOf } from "./html.ts";

/** A button under a message: its label, and the data that a press sends back. */
export type Button = { readonly text: string; readonly data: string };

/** A message for one chat. */
export type ChatMessage = {
  /** Telegram's HTML. A text that is too long is cut and sent as plain text. */
  readonly html: string;
  readonly buttons?: readonly (readonly Button[])[];
  /** The message makes no sound. */
  readonly silent?: boolean;
  /** Id of the message that it replies to; 0 if that message was never sent. */
  readonly replyTo?: number | null;
};

/** The result of a call that shows a message. */
export type SendOutcome = { readonly kind: "done"; readonly messageId: number } | CallProblem;

/** A command in Telegram's menu. */
export type MenuEntry = { readonly command: string; readonly description: string };

/** The calls that show messages. */
export type Sender = {
  send(chat: number, message: ChatMessage): Promise<SendOutcome>;
  edit(chat: number, messageId: number, message: ChatMessage): Promise<SendOutcome>;
  remove(chat: number, messageId: number): Promise<SendOutcome>;
  /** Sends a picture with a caption. */
  sendPhoto(chat: number, picture: Uint8Array, message: ChatMessage): Promise<SendOutcome>;
  /** Replaces the picture of a message and its caption. */
  editPhoto(chat: number, messageId: number, picture: Uint8Array, message: ChatMessage): Promise<SendOutcome>;
  /** Aborts all running calls; later calls fail at once. */
  abort(): void;
};

/** The Bot API. No call rejects; each ends soon after its deadline. */
export type BotApi = Sender & {
  /** Returns the bot's name, without @. */
  me(signal?: AbortSignal): Promise<CallOutcome<string>>;
  /** Waits up to `seconds` for updates and returns them unparsed. */
  updates(offset: number, seconds: number, signal?: AbortSignal): Promise<CallOutcome<readonly unknown[]>>;
  /** Acknowledges a pressed button; `text` is shown for a moment. */
  answerPress(callback: string, text: string | null): Promise<CallOutcome<boolean>>;
  /** Shows in the chat that a picture is being prepared. */
  drawing(chat: number): Promise<CallOutcome<boolean>>;
  setMenu(entries: readonly MenuEntry[], language: string | null): Promise<CallOutcome<boolean>>;
  /** Returns the title of a chat, or the name of a person; empty if it has none. */
  titleOf(chat: number): Promise<CallOutcome<string>>;
};

export type BotApiOptions = {
  readonly token: string;
  readonly apiRoot: string;
  /** Deadline of an ordinary call, ms. */
  readonly timeoutMs?: number;
  /** Replaces the network in tests. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
};

/** Longest time for any call, ms; each call has a shorter deadline. */
const longestMs = 120_000;

/** Updates requested by a call. */
const mostUpdates = 100;

/** Longest response, bytes: a message of a few KB, or a hundred updates. An update with a long text and its markup has about 20 KB. */
const mostAnswerBytes = 1024 * 1024;
const mostUpdateBytes = 8 * 1024 * 1024;

/** Creates the calls of a bot. */
export function createBotApi({ token, apiRoot, timeoutMs: usualMs = 15_000, fetch: replaced }: BotApiOptions): BotApi {
  const fetchAnswer = boundedFetchOf({ timeoutMs: longestMs, maxBytes: mostAnswerBytes });
  const fetchUpdates = boundedFetchOf({ timeoutMs: longestMs, maxBytes: mostUpdateBytes });
  const api = new Api(token, {
    apiRoot,
    timeoutSeconds: longestMs / 1000,
    fetch: ((url: string, init: RequestInit) => {
      const ask = replaced ?? (url.endsWith("/getUpdates") ? fetchUpdates : fetchAnswer);
      // The token is in the URL, so redirects are refused.
      return ask(url, { ...init, redirect: "error", signal: init.signal ?? null });
    }) as never,
  });
  const running = new Set<Deadline>();
  let isAborted = false;
  let updateLimit = mostUpdates;

  async function call<T>(
    run: (signal: never) => Promise<T>,
    { ms = usualMs, signal }: { ms?: number; signal?: AbortSignal | undefined } = {},
  ): Promise<CallOutcome<T>> {
    const deadline = createDeadline({ what: "no answer", ms, signal });
    if (isAborted) deadline.abort(stopped);
    running.add(deadline);
    try {
      return { kind: "done", value: await run(deadline.signal as never) };
    } catch (error) {
      return callProblemOf(deadline.signal.aborted ? deadline.signal.reason : error, token);
    } finally {
      deadline.clear();
      running.delete(deadline);
    }
  }

  /** Makes a call that returns a message id. */
  async function callForId(run: (signal: never) => Promise<number>): Promise<SendOutcome> {
    const outcome = await call(run);
    if (outcome.kind !== "done") return outcome;
    if (Number.isSafeInteger(outcome.value)) return { kind: "done", messageId: outcome.value };
    return { kind: "unreachable", problem: "the Bot API returned no message id" };
  }

  /** Shows a text with markup, and again as plain text if Telegram rejects the markup. */
  async function show(
    html: string,
    most: number,
    run: (text: string, mode: "HTML" | undefined, signal: never) => Promise<number>,
  ): Promise<SendOutcome> {
    if (plainOf(html).length <= most) {
      const outcome = await callForId((signal) => run(html, "HTML", signal));
      if (outcome.kind !== "unacceptable" || !/parse|entit/i.test(outcome.problem)) return outcome;
    }
    return callForId((signal) => run(cut(plainOf(html), most), undefined, signal));
  }

  return {
    send: (chat, message) =>
      show(message.html, mostText, async (text, parse_mode, signal) => {
        const more = { ...noPreview, ...optionsOf(message) };
        return (await api.sendMessage(chat, text, { parse_mode, ...more }, signal)).message_id;
      }),
    edit: (chat, messageId, message) =>
      show(message.html, mostText, async (text, parse_mode, signal) => {
        const more = { ...noPreview, ...keyboard(message.buttons) };
        await api.editMessageText(chat, messageId, text, { parse_mode, ...more }, signal).catch(unlessUnchanged);
        return messageId;
      }),
    remove: (chat, messageId) =>
      callForId(async (signal) => {
        await api.deleteMessage(chat, messageId, signal);
        return messageId;
      }),
    sendPhoto: (chat, picture, message) =>
      show(message.html, mostCaption, async (caption, parse_mode, signal) => {
        const more = { caption, parse_mode, ...optionsOf(message) };
        return (await api.sendPhoto(chat, fileOf(picture), more, signal)).message_id;
      }),
    editPhoto: (chat, messageId, picture, message) =>
      show(message.html, mostCaption, async (caption, parse_mode, signal) => {
        const media = { type: "photo" as const, media: fileOf(picture), caption, ...(parse_mode && { parse_mode }) };
        const more = keyboard(message.buttons);
        await api.editMessageMedia(chat, messageId, media, more, signal).catch(unlessUnchanged);
        return messageId;
      }),
    abort() {
      isAborted = true;
      for (const deadline of running) deadline.abort(stopped);
    },
    async me(signal) {
      const outcome = await call((ends) => api.getMe(ends), { signal });
      if (outcome.kind !== "done") return outcome;
      const name: unknown = outcome.value?.username;
      return typeof name === "string" ? { kind: "done", value: name } : foreign;
    },
    async updates(offset, seconds, signal) {
      const allowed_updates = ["message", "callback_query"] as const;
      const wanted = { offset, timeout: seconds, limit: updateLimit, allowed_updates };
      const ms = seconds * 1000 + usualMs;
      const outcome = await call((ends) => api.getUpdates(wanted, ends), { ms, signal });
      // A single update always fits. Without a smaller limit, a response that is too long would come back for ever.
      if (outcome.kind === "done") updateLimit = Math.min(mostUpdates, updateLimit * 2);
      else if (outcome.kind === "unreachable" && outcome.isTooLong === true) updateLimit = 1;
      if (outcome.kind !== "done") return outcome;
      const value: unknown = outcome.value;
      return Array.isArray(value) ? { kind: "done", value } : foreign;
    },
    answerPress: (callback, text) =>
      call((ends) => api.answerCallbackQuery(callback, text === null ? {} : { text: cut(text, 190) }, ends)),
    drawing: (chat) => call((ends) => api.sendChatAction(chat, "upload_photo", {}, ends)),
    setMenu: (entries, language) =>
      call((ends) =>
        api.setMyCommands(entries, language === null ? {} : { language_code: language as "en" | "ko" }, ends),
      ),
    async titleOf(chat) {
      const outcome = await call((ends) => api.getChat(chat, ends));
      if (outcome.kind !== "done") return outcome;
      const { title, username, first_name }: Readonly<Record<string, unknown>> = { ...outcome.value };
      const name = [title, username, first_name].find((text) => typeof text === "string" && text !== "");
      return { kind: "done", value: typeof name === "string" ? name : "" };
    },
  };
}

const stopped = new Error("the bot is stopping");
const foreign: CallProblem = { kind: "unreachable", problem: "the response does not come from the Bot API" };
const noPreview = { link_preview_options: { is_disabled: true } } as const;

function optionsOf({ buttons, silent, replyTo }: ChatMessage) {
  return {
    ...(silent === true ? { disable_notification: true } : {}),
    ...(replyTo == null || replyTo <= 0
      ? {}
      : { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } }),
    ...keyboard(buttons),
  };
}

function keyboard(buttons: ChatMessage["buttons"]) {
  if (buttons === undefined || buttons.length === 0) return {};
  const rows = buttons.map((row) => row.map(({ text, data }) => ({ text, callback_data: data })));
  return { reply_markup: { inline_keyboard: rows } };
}

function fileOf(picture: Uint8Array): InputFile {
  return new InputFile(picture, "picture.png");
}

function unlessUnchanged(error: unknown): void {
  if (!isUnchanged(error)) throw error;
}
