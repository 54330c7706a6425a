export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** From the least to the most severe. */
export const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Line prefixes that systemd's journal reads as severity: error, warning, informational, debug. Source: sd-daemon(3). */
export const priorityOf: Readonly<Record<LogLevel, string>> = {
  debug: "<7>",
  info: "<6>",
  warn: "<4>",
  error: "<3>",
};

/** Longest message and longest value in characters. Quoted text from outside may have any length. */
const maxCharacters = 2000;

/** Formats an event as JSON. `time`, `level` and `message` come first; a field with such a name gets a trailing underscore. */
export function jsonLine(now: Date, level: LogLevel, message: string, fields: LogFields): string {
  const standard = { time: now.toISOString(), level, message: bounded(message) };
  const extra: Record<string, unknown> = {};
  for (const [name, value] of definedFields(fields))
    extra[name in standard ? `${name}_` : name] = typeof value === "string" ? bounded(value) : value;
  return escapeControls(JSON.stringify({ ...standard, ...extra }));
}

const colors: Record<LogLevel, string> = { debug: "\x1b[2m", info: "\x1b[36m", warn: "\x1b[33m", error: "\x1b[31m" };

/** Formats an event for people: UTC time, level, message, then `name=value`. Values are quoted if they would be ambiguous. */
export function textLine(now: Date, level: LogLevel, message: string, fields: LogFields, color: boolean): string {
  const time = now.toISOString().slice(0, 19).replace("T", " ");
  const name = level.padEnd(5);
  const text = escapeControls(bounded(message));
  const values = definedFields(fields)
    .map(([key, value]) => ` ${key}=${typeof value === "string" ? escapeControls(valueText(bounded(value))) : value}`)
    .join("");
  return color
    ? `\x1b[2m${time}\x1b[0m ${colors[level]}${name}\x1b[0m ${text}\x1b[2m${values}\x1b[0m`
    : `${time} ${name} ${text}${values}`;
}

function definedFields(fields: LogFields): [string, Exclude<LogFields[string], undefined>][] {
  return Object.entries(fields).filter((entry): entry is [string, string | number | boolean | null] => {
    return entry[1] !== undefined;
  });
}

function valueText(value: string): string {
  return value === "" || /[\s"=]/.test(value) ? JSON.stringify(value) : value;
}

function bounded(text: string): string {
  if (text.length <= maxCharacters) return text;
  return `${text.slice(0, maxCharacters).toWellFormed()}… (${text.length} characters)`;
}

/** Escapes control characters: quoted text must not end the line or steer the terminal. */
function escapeControls(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to escape
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => shortEscapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const shortEscapes: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
