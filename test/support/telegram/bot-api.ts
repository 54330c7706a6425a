import { TelegramServer } from "telegram-test-api/lib/telegramServer.js";
import { until } from "../wait.ts";
import { payloadOf, refusal, withoutMarkup } from "./fake-telegram.ts";

/** Something that people see, or that the bot tells Telegram. */
export type Seen =
  | {
      readonly kind: "message" | "edit";
      readonly id: number;
      readonly text: string;
      readonly buttons: readonly (readonly Pressable[])[];
    }
  | {
      readonly kind: "picture" | "new picture";
      readonly id: number;
      readonly text: string;
      readonly png: Uint8Array;
      readonly buttons: readonly (readonly Pressable[])[];
    }
  | { readonly kind: "toast"; readonly text: string }
  | {
      readonly kind: "menu";
      readonly language: string;
      readonly commands: readonly { command: string; description: string }[];
    };

export type Pressable = { readonly text: string; readonly data: string };

/** The Bot API for one bot: an emulator written by others, and before it what that lacks. */
export type BotApi = {
  readonly url: string;
  /** Somebody writes to the bot. */
  say(text: string, of?: Record<string, unknown>): Promise<void>;
  /** Somebody presses a button of a message. */
  press(data: string, of: { id: number; isPicture?: boolean }): Promise<void>;
  /** Something comes in of whatever form; it is numbered unless it has a number. */
  put(update: unknown): void;
  /** What people have seen so far. */
  readonly seen: readonly Seen[];
  readonly calls: readonly string[];
  /** Answers instead of Telegram where it returns something. */
  script(answer: (method: string, token: string) => Response | null): void;
  stop(): Promise<void>;
};

/** Methods that the emulator knows; the others, which it would answer with an error, are answered here. */
const emulated = ["getMe", "sendMessage", "editMessageText", "answerCallbackQuery"];

export async function startBotApi(token: string, chat: number): Promise<BotApi> {
  const emulator = new TelegramServer({ port: await freePort(), host: "127.0.0.1" });
  await emulator.start();
  const client = emulator.getClient(token, { chatId: chat, userId: chat, firstName: "Mina", userName: "mina" });
  const seen: Seen[] = [];
  const calls: string[] = [];
  const extra: unknown[] = [];
  let scripted: (method: string, token: string) => Response | null = () => null;
  let nextPicture = 500_001;
  let nextExtra = 1_000_000;
  let stopped = false;

  async function handle(request: Request): Promise<Response> {
    const [, of = "", method = ""] = /^\/bot([^/]+)\/(\w+)$/.exec(new URL(request.url).pathname) ?? [];
    calls.push(method);
    const answer = scripted(method, of);
    if (answer !== null) return answer;
    if (of !== token) return refusal(401, "Unauthorized");
    const payload = await payloadOf(request.clone() as Request);
    if (method === "getUpdates") return updates(Math.min(0.1, Number(payload.timeout)));
    const text =
      payload.parse_mode === "HTML" ? withoutMarkup(String(payload.text ?? payload.caption)) : String(payload.text);
    if (text === null) return refusal(400, "Bad Request: can't parse entities");
    if (text.length > 4096) return refusal(400, "Bad Request: message is too long");
    const result = emulated.includes(method) ? await forward(method, payload) : picture(payload);
    note(method, payload, text, Number((result as { message_id?: number } | null)?.message_id));
    return Response.json({ ok: true, result });
  }

  /** The emulator answers at once, even without updates. */
  async function updates(seconds: number): Promise<Response> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const waiting = [...(emulator.getUpdates(token) as unknown[]), ...extra.splice(0)];
      if (waiting.length > 0 || stopped || performance.now() >= end)
        return Response.json({ ok: true, result: waiting });
      await Bun.sleep(5);
    }
  }

  async function forward(method: string, payload: Record<string, unknown>): Promise<unknown> {
    const body = JSON.stringify(payload);
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${emulator.config.apiURL}/bot${token}/${method}`, { method: "POST", headers, body });
    return ((await response.json()) as { result: unknown }).result;
  }

  function picture(payload: Record<string, unknown>): unknown {
    return { message_id: Number(payload.message_id ?? nextPicture++), date: 0, chat: { id: chat } };
  }

  function note(method: string, payload: Record<string, unknown>, text: string, id: number): void {
    const buttons = buttonsOf(payload.reply_markup);
    if (method === "sendMessage") seen.push({ kind: "message", id, text, buttons });
    if (method === "editMessageText") seen.push({ kind: "edit", id: Number(payload.message_id), text, buttons });
    if (method === "answerCallbackQuery" && payload.text !== undefined) seen.push({ kind: "toast", text });
    if (method === "sendPhoto") seen.push({ kind: "picture", id, text, png: payload.photo as Uint8Array, buttons });
    if (method === "editMessageMedia") {
      const { media, caption } = JSON.parse(String(payload.media)) as { media: string; caption: string };
      const png = payload[media.replace("attach://", "")] as Uint8Array;
      const shown = withoutMarkup(caption) ?? "";
      seen.push({ kind: "new picture", id: Number(payload.message_id), text: shown, png, buttons });
    }
    if (method === "setMyCommands") {
      const commands = payload.commands as { command: string; description: string }[];
      seen.push({ kind: "menu", language: String(payload.language_code ?? ""), commands });
    }
  }

  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 60, fetch: handle });

  return {
    url: `http://127.0.0.1:${server.port}`,
    async say(text, of = {}) {
      await client.sendMessage(client.makeMessage(text, of as never));
    },
    async press(data, { id, isPicture = false }) {
      const message = { message_id: id, ...(isPicture ? { photo: [{ file_id: "p" }] } : {}) };
      await client.sendCallback(client.makeCallbackQuery(data, { message } as never));
    },
    put(update) {
      const isNumbered = typeof update === "object" && update !== null && "update_id" in update;
      extra.push(isNumbered || typeof update !== "object" ? update : { update_id: nextExtra++, ...update });
    },
    seen,
    calls,
    script(answer) {
      scripted = answer;
    },
    async stop() {
      stopped = true;
      await server.stop(true);
      await emulator.stop();
    },
  };
}

/** The next call, after `count` calls were seen. */
export async function nextSeen(api: BotApi, count: number, what: string, timeoutMs = 10_000): Promise<Seen> {
  await until(() => api.seen.length > count, what, timeoutMs);
  return api.seen[count] as Seen;
}

function buttonsOf(markup: unknown): readonly (readonly Pressable[])[] {
  const parsed = (typeof markup === "string" ? JSON.parse(markup) : markup) as
    | { inline_keyboard?: { text: string; callback_data: string }[][] }
    | undefined;
  const rows = parsed?.inline_keyboard ?? [];
  return rows.map((row) => row.map(({ text, callback_data }) => ({ text, data: callback_data })));
}

/** The emulator cannot be given port 0. */
async function freePort(): Promise<number> {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { port } = server;
  await server.stop(true);
  return port ?? 0;
}
