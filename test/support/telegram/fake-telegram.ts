/** A message as the people in a chat see it. */
export type SeenMessage = {
  readonly id: number;
  text: string;
  buttons: readonly string[];
  readonly silent: boolean;
  readonly replyTo: number | null;
  readonly picture: Uint8Array | null;
  edits: number;
  isDeleted: boolean;
};

/** A call of the Bot API. */
export type Call = {
  readonly method: string;
  readonly chat: number;
  readonly payload: Readonly<Record<string, unknown>>;
};

/** What the script says to a call: an answer of its own, "hang", or null for what Telegram would say. */
export type Scripted = Response | "hang" | null;

/** A fake Bot API, with scripted answers if given; it keeps the visible messages of each chat. */
export type FakeTelegram = {
  /** Root of the API, once it listens. */
  start(): string;
  /** The same without a socket. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  script(answer: (call: Call) => Scripted): void;
  readonly calls: readonly Call[];
  chat(id: number): readonly SeenMessage[];
  /** Called at each thing that people notice. */
  onSeen(listener: (kind: "message" | "edit" | "delete", chat: number, message: SeenMessage) => void): void;
  /** Ends what hangs. */
  stop(): Promise<void>;
};

/** Telegram's refusal of a call. */
export function refusal(code: number, description: string, parameters?: Record<string, unknown>): Response {
  return Response.json(
    { ok: false, error_code: code, description, ...(parameters && { parameters }) },
    { status: code },
  );
}

/** Knows one bot's token; any other is refused. */
export function createFakeTelegram(token: string): FakeTelegram {
  const calls: Call[] = [];
  const chats = new Map<number, SeenMessage[]>();
  let scripted: (call: Call) => Scripted = () => null;
  let seen: (kind: "message" | "edit" | "delete", chat: number, message: SeenMessage) => void = () => {};
  let nextId = 1;
  let release = () => {};
  const stopped = new Promise<void>((resolve) => {
    release = resolve;
  });
  let server: ReturnType<typeof Bun.serve> | null = null;

  async function handle(request: Request): Promise<Response> {
    const match = /^\/bot([^/]+)\/(\w+)$/.exec(new URL(request.url).pathname);
    const payload = await payloadOf(request);
    const call: Call = { method: match?.[2] ?? "", chat: Number(payload.chat_id), payload };
    calls.push(call);
    const answer = scripted(call);
    if (answer === "hang") {
      await stopped;
      return refusal(502, "Bad Gateway");
    }
    if (answer !== null) return answer;
    if (match?.[1] !== token) return refusal(401, "Unauthorized");
    if (call.method === "getUpdates") {
      // No updates for this bot: a long poll is held until either side gives up.
      await Promise.race([stopped, new Promise((resolve) => request.signal.addEventListener("abort", resolve))]);
      return Response.json({ ok: true, result: [] });
    }
    return natural(call);
  }

  function natural({ method, chat, payload }: Call): Response {
    const messages = chats.get(chat) ?? [];
    chats.set(chat, messages);
    if (method === "sendMessage" || method === "sendPhoto") {
      const shown = render(payload, method === "sendPhoto" ? 1024 : 4096);
      if (typeof shown !== "string") return shown;
      const message: SeenMessage = {
        id: nextId++,
        text: shown,
        buttons: buttonsOf(payload),
        silent: String(payload.disable_notification) === "true",
        replyTo: replyOf(payload),
        picture: payload.photo instanceof Uint8Array ? payload.photo : null,
        edits: 0,
        isDeleted: false,
      };
      messages.push(message);
      seen("message", chat, message);
      return Response.json({ ok: true, result: { message_id: message.id, date: 0, chat: { id: chat } } });
    }
    if (method === "editMessageText" || method === "deleteMessage") {
      const message = messages.find(({ id, isDeleted }) => id === Number(payload.message_id) && !isDeleted);
      const verb = method === "deleteMessage" ? "delete" : "edit";
      if (message === undefined) return refusal(400, `Bad Request: message to ${verb} not found`);
      return verb === "delete" ? remove(chat, message) : edit(chat, message, payload);
    }
    return Response.json({ ok: true, result: true });
  }

  function remove(chat: number, message: SeenMessage): Response {
    message.isDeleted = true;
    seen("delete", chat, message);
    return Response.json({ ok: true, result: true });
  }

  function edit(chat: number, message: SeenMessage, payload: Call["payload"]): Response {
    const shown = render(payload, 4096);
    if (typeof shown !== "string") return shown;
    const buttons = buttonsOf(payload);
    if (shown === message.text && buttons.join() === message.buttons.join())
      return refusal(
        400,
        "Bad Request: message is not modified: specified new message content and reply markup are the same",
      );
    message.text = shown;
    message.buttons = buttons;
    message.edits++;
    seen("edit", chat, message);
    return Response.json({ ok: true, result: { message_id: message.id, date: 0, chat: { id: chat } } });
  }

  return {
    start() {
      server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: handle });
      return `http://127.0.0.1:${server.port}`;
    },
    fetch: (url, init) => handle(new Request(url, init)),
    script(answer) {
      scripted = answer;
    },
    calls,
    chat: (id) => chats.get(id) ?? [],
    onSeen(listener) {
      seen = listener;
    },
    async stop() {
      release();
      await server?.stop(true);
    },
  };
}

/** What a call was given, uploaded pictures included. */
export async function payloadOf(request: Request): Promise<Record<string, unknown>> {
  const type = request.headers.get("content-type") ?? "";
  if (type.includes("json")) return (await request.json()) as Record<string, unknown>;
  if (!type.includes("multipart")) return {};
  const payload: Record<string, unknown> = {};
  const files = new Map<string, Uint8Array>();
  for (const [name, value] of await request.formData()) {
    if (typeof value === "string") payload[name] = value;
    else files.set(name, new Uint8Array(await value.arrayBuffer()));
  }
  for (const [name, file] of files) payload[name] ??= file;
  const attached = /^attach:\/\/(.*)$/.exec(String(payload.photo))?.[1];
  if (attached !== undefined) payload.photo = files.get(attached);
  return payload;
}

const tags = ["b", "i", "u", "s", "code", "pre", "a", "blockquote"];

/** The visible text; or Telegram's refusal of malformed markup, of empty text and of text that is too long. */
function render(payload: Call["payload"], most: number): string | Response {
  const raw = String(payload.text ?? payload.caption ?? "");
  const text = payload.parse_mode === "HTML" ? withoutMarkup(raw) : raw;
  if (text === null) return refusal(400, "Bad Request: can't parse entities: unsupported start tag");
  if (text !== text.toWellFormed()) return refusal(400, "Bad Request: strings must be encoded in UTF-8");
  if (text.trim() === "") return refusal(400, "Bad Request: message text is empty");
  if (text.length > most) return refusal(400, "Bad Request: message is too long");
  return text;
}

/** What people read of a text with markup; null where Telegram would refuse it. */
export function withoutMarkup(html: string): string | null {
  const open: string[] = [];
  let text = "";
  for (const part of html.split(/(<[^>]*>?)/)) {
    const tag = /^<(\/?)([a-z]+)(?: [^<>]*)?>$/.exec(part);
    if (tag === null) {
      if (/[<>]/.test(part) || /&(?!lt;|gt;|amp;|quot;)/.test(part)) return null;
      text += part.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
      continue;
    }
    const [, slash, name = ""] = tag;
    if (!tags.includes(name)) return null;
    if (slash === "") open.push(name);
    else if (open.pop() !== name) return null;
  }
  return open.length === 0 ? text : null;
}

type Keyboard = { inline_keyboard?: { text: string; callback_data?: string }[][] };

function buttonsOf({ reply_markup }: Call["payload"]): string[] {
  const markup = (typeof reply_markup === "string" ? JSON.parse(reply_markup) : reply_markup) as Keyboard | undefined;
  return (markup?.inline_keyboard ?? []).flat().map(({ text, callback_data }) => `${text}=${callback_data}`);
}

function replyOf({ reply_parameters }: Call["payload"]): number | null {
  const parsed = typeof reply_parameters === "string" ? JSON.parse(reply_parameters) : reply_parameters;
  const id = Number((parsed as { message_id?: unknown } | undefined)?.message_id);
  return Number.isInteger(id) ? id : null;
}
