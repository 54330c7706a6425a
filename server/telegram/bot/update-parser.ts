/** An incoming message or button press. */
export type Incoming =
  | {
      readonly kind: "command";
      readonly chat: number;
      /** Name of the group, or of the person in a private chat. */
      readonly title: string;
      readonly who: string;
      readonly messageId: number;
      /** The chat is a group; an answer there replies to the question. */
      readonly isGroup: boolean;
      /** Time of sending, s since the Unix epoch. */
      readonly date: number;
      /** Line without the slash and the bot's name: `chart ETHUSDT 6h`. */
      readonly line: string;
    }
  | {
      readonly kind: "press";
      readonly chat: number;
      readonly title: string;
      readonly who: string;
      readonly messageId: number;
      readonly isPicture: boolean;
      readonly callback: string;
      readonly data: string;
    }
  /** A message that is not addressed to the bot or is no command. */
  | { readonly kind: "talk"; readonly chat: number; readonly title: string; readonly isGroup: boolean };

/** Longest text that is parsed, characters. */
const mostLine = 300;

/**
 * Parses an update of the Bot API; null if it is malformed or of another kind. `botName` has no @. Commands for other bots count as
 * talk.
 */
export function readIncoming(update: unknown, botName: string): Incoming | null {
  const { message, callback_query: press } = objectOf(update);
  if (press !== undefined) return readPress(objectOf(press));
  return message === undefined ? null : readMessage(objectOf(message), botName);
}

/** Returns the id of an update, or null if it is invalid. */
export function updateIdOf(update: unknown): number | null {
  const { update_id: id } = objectOf(update);
  return typeof id === "number" && Number.isSafeInteger(id) && id >= 0 ? id : null;
}

function readMessage(message: Fields, botName: string): Incoming | null {
  const place = placeOf(message.chat, message.from, message.sender_chat);
  if (place === null) return null;
  const { chat, title, isGroup, who } = place;
  const talk = { kind: "talk", chat, title, isGroup } as const;
  const { text, message_id: messageId, date } = message;
  if (typeof text !== "string" || !isId(messageId) || typeof date !== "number" || who === null) return talk;
  const command = /^\/([\p{L}\p{N}_]{1,64})(?:@(\w{1,64}))?(?:\s+([\s\S]*))?$/u.exec(text.slice(0, mostLine));
  if (command === null) return talk;
  const [, name = "", addressee, rest = ""] = command;
  if (addressee !== undefined && addressee.toLowerCase() !== botName.toLowerCase()) return talk;
  const line = `${name.toLowerCase()} ${rest.replace(/\s+/g, " ")}`.trim();
  return { kind: "command", chat, title, who, messageId, isGroup, date, line };
}

function readPress(press: Fields): Incoming | null {
  const message = objectOf(press.message);
  const place = placeOf(message.chat, press.from);
  const { id: callback, data } = press;
  const { message_id: messageId } = message;
  if (place === null || place.who === null || typeof callback !== "string" || typeof data !== "string") return null;
  if (!isId(messageId)) return null;
  const { chat, title, who } = place;
  return { kind: "press", chat, title, who, messageId, isPicture: Array.isArray(message.photo), callback, data };
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Parses chat and sender. `who` is null if the sender is a bot or missing. An anonymous admin of a group writes as the group itself: the
 * sender is then a bot of Telegram, and `sender_chat` is the chat.
 */
function placeOf(chat: unknown, from: unknown, senderChat?: unknown) {
  const { id, type, title } = objectOf(chat);
  if (typeof id !== "number" || !Number.isSafeInteger(id)) return null;
  const { is_bot, username, first_name } = objectOf(from);
  const name = typeof username === "string" && username !== "" ? `@${username}` : first_name;
  const isGroup = type !== "private";
  const isAnonymousAdmin = isGroup && objectOf(senderChat).id === id;
  const isPerson = from !== undefined && is_bot !== true;
  const who = isAnonymousAdmin ? nameOf(title, "somebody") : isPerson ? nameOf(name, "somebody") : null;
  return { chat: id, isGroup, who, title: nameOf(isGroup ? title : name, String(id)) };
}

/** Cleans the name of a person or a group: a single line of bounded length. */
function nameOf(value: unknown, fallback: string): string {
  if (typeof value !== "string") return fallback;
  const plain = value
    .toWellFormed()
    .replace(/[\p{C}\s]+/gu, " ")
    .trim();
  return plain === "" ? fallback : [...plain].slice(0, 40).join("");
}

function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

function objectOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
