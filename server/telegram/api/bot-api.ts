import { Api, GrammyError, HttpError, InputFile } from "grammy";
import { messageOf } from "../../platform/errors.ts";
import { FetchBoundError } from "../../platform/fetch/bounded-body.ts";
import { boundedFetchOf } from "../../platform/fetch/bounded-fetch.ts";
import { cut, mostCaption, plainOf } from "./html.ts";
import { type Button, scrub } from "./send-queue.ts";

/** The failure of a call. */
export type CallProblem = {
  /** Telegram's code, or null if there was no response. */
  readonly code: number | null;
  /** The problem for people, without the token. */
  readonly problem: string;
  /** Pause in s that Telegram asks for, or null. */
  readonly waitSeconds: number | null;
  /** The response exceeded `mostAnswerBytes`. */
  readonly isTooLong?: boolean;
};

export type CallResult<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & CallProblem);

/** A command in Telegram's menu. */
export type MenuEntry = { readonly command: string; readonly description: string };

/** The Bot API calls that only the bot needs. No call rejects. */
export type BotApi = {
  /** Returns the bot's name, without @. */
  me(signal?: AbortSignal): Promise<CallResult<string>>;
  /** Waits up to `seconds` for updates and returns them unparsed. */
  updates(offset: number, seconds: number, signal?: AbortSignal): Promise<CallResult<readonly unknown[]>>;
  /** Acknowledges a pressed button; `text` is shown for a moment. */
  answerPress(callback: string, text: string | null): Promise<CallResult<boolean>>;
  showPicture(chat: number, messageId: number, png: Uint8Array, content: PictureContent): Promise<CallResult<boolean>>;
  /** Shows in the chat that a picture is being prepared. */
  drawing(chat: number): Promise<CallResult<boolean>>;
  setMenu(entries: readonly MenuEntry[], language: string | null): Promise<CallResult<boolean>>;
};

type PictureContent = { readonly html: string; readonly buttons?: readonly (readonly Button[])[] };

/** Longest time for any call, ms; each call has a shorter deadline. */
const longestMs = 120_000;

/** Updates requested by a call. */
const mostUpdates = 100;

/** Longest response: a hundred updates of 80 KB each. An update with a long text and its markup has about 20 KB. */
const mostAnswerBytes = 8 * 1024 * 1024;

/** Creates the calls. `signal` aborts all of them. `timeoutMs` is the deadline of an ordinary call. */
export function createBotApi(options: {
  token: string;
  apiRoot: string;
  signal: AbortSignal;
  timeoutMs?: number;
}): BotApi {
  const { token, apiRoot, timeoutMs: usualMs = 15_000 } = options;
  const ask = boundedFetchOf({ timeoutMs: longestMs, maxBytes: mostAnswerBytes });
  const api = new Api(token, {
    apiRoot,
    timeoutSeconds: longestMs / 1000,
    // The token is in the URL, so redirects are refused.
    fetch: ((url: string, init: RequestInit) =>
      ask(url, { ...init, redirect: "error", signal: init.signal ?? null })) as never,
  });

  let limit = mostUpdates;

  async function call<T>(ms: number, signal: AbortSignal | undefined, run: (signal: never) => Promise<T>) {
    const timeout = AbortSignal.timeout(ms);
    const ends = AbortSignal.any([options.signal, timeout, ...(signal === undefined ? [] : [signal])]);
    try {
      return { ok: true as const, value: await run(ends as never) };
    } catch (error) {
      const reason = timeout.aborted ? `no answer within ${ms / 1000} s` : null;
      return { ok: false as const, ...problemOf(error, reason, token) };
    }
  }

  return {
    async me(signal) {
      const result = await call(usualMs, signal, (ends) => api.getMe(ends));
      if (!result.ok) return result;
      const name: unknown = result.value?.username;
      if (typeof name === "string") return { ok: true, value: name };
      return { ok: false, code: null, problem: "the response does not come from the Bot API", waitSeconds: null };
    },
    async updates(offset, seconds, signal) {
      const wanted = { offset, timeout: seconds, limit, allowed_updates: ["message", "callback_query"] as const };
      const result = await call(seconds * 1000 + usualMs, signal, (ends) => api.getUpdates(wanted, ends));
      // A single update always fits. Without a smaller limit, a response that is too long would come back for ever.
      limit = result.ok ? Math.min(mostUpdates, limit * 2) : result.isTooLong === true ? 1 : limit;
      if (!result.ok) return result;
      const value: unknown = result.value;
      if (Array.isArray(value)) return { ok: true, value };
      return { ok: false, code: null, problem: "the response does not come from the Bot API", waitSeconds: null };
    },
    answerPress: (callback, text) =>
      call(usualMs, undefined, (ends) =>
        api.answerCallbackQuery(callback, text === null ? {} : { text: cut(text, 190) }, ends),
      ),
    showPicture: (chat, messageId, png, { html, buttons = [] }) =>
      call(usualMs, undefined, async (ends) => {
        const isLong = plainOf(html).length > mostCaption;
        const caption = isLong ? cut(plainOf(html), mostCaption) : html;
        const media = { type: "photo" as const, media: new InputFile(png, "picture.png"), caption };
        const keyboard = buttons.map((row) => row.map(({ text, data }) => ({ text, callback_data: data })));
        const markup = { reply_markup: { inline_keyboard: keyboard } };
        await api.editMessageMedia(chat, messageId, isLong ? media : { ...media, parse_mode: "HTML" }, markup, ends);
        return true;
      }),
    drawing: (chat) => call(usualMs, undefined, (ends) => api.sendChatAction(chat, "upload_photo", {}, ends)),
    setMenu: (entries, language) =>
      call(usualMs, undefined, (ends) =>
        api.setMyCommands(entries, language === null ? {} : { language_code: language as "en" | "ko" }, ends),
      ),
  };
}

function problemOf(error: unknown, reason: string | null, token: string): CallProblem {
  if (error instanceof GrammyError) {
    const code = Number(error.error_code);
    const wait = Number((error.parameters as { retry_after?: unknown } | null | undefined)?.retry_after);
    const problem = scrub(String(error.description), token);
    return {
      code: Number.isFinite(code) ? code : null,
      problem,
      waitSeconds: wait > 0 ? Math.min(wait, 86_400) : null,
    };
  }
  // The inner error names the cause. Its text may contain the URL with the token.
  const inner = error instanceof HttpError ? error.error : error;
  const isTooLong = inner instanceof FetchBoundError && inner.name === "AnswerTooLong";
  return { code: null, problem: reason ?? scrub(messageOf(inner), token), waitSeconds: null, isTooLong };
}
