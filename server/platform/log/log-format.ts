export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** From the least to the most grave. */
export const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** What systemd's journal wants in front of a line (sd-daemon(3)): error, warning, informational, debug. */
export const priorityOf: Readonly<Record<LogLevel, string>> = {
  debug: "<7>",
  info: "<6>",
  warn: "<4>",
  error: "<3>",
};

/** Of a message, and of each value: what somebody else has written may be of any length. */
const mostCharacters = 2000;

/** An event as JSON, with `time`, `level` and `message` first; a field of such a name gets an underscore. */
export function jsonLine(now: Date, level: LogLevel, message: string, fields: LogFields): string {
  const own = { time: now.toISOString(), level, message: bounded(message) };
  const others: Record<string, unknown> = {};
  for (const [name, value] of shown(fields))
    others[name in own ? `${name}_` : name] = typeof value === "string" ? bounded(value) : value;
  return escapeControls(JSON.stringify({ ...own, ...others }));
}

const colors: Record<LogLevel, string> = { debug: "\x1b[2m", info: "\x1b[36m", warn: "\x1b[33m", error: "\x1b[31m" };

/** An event for people: time (UTC), level, message, then `name=value`, in quotes where it would not be clear. */
export function textLine(now: Date, level: LogLevel, message: string, fields: LogFields, color: boolean): string {
  const time = now.toISOString().slice(0, 19).replace("T", " ");
  const name = level.padEnd(5);
  const said = escapeControls(bounded(message));
  const values = shown(fields)
    .map(([key, value]) => ` ${key}=${typeof value === "string" ? escapeControls(valueText(bounded(value))) : value}`)
    .join("");
  return color
    ? `\x1b[2m${time}\x1b[0m ${colors[level]}${name}\x1b[0m ${said}\x1b[2m${values}\x1b[0m`
    : `${time} ${name} ${said}${values}`;
}

function shown(fields: LogFields): [string, Exclude<LogFields[string], undefined>][] {
  return Object.entries(fields).filter((entry): entry is [string, string | number | boolean | null] => {
    return entry[1] !== undefined;
  });
}

function valueText(value: string): string {
  return value === "" || /[\s"=]/.test(value) ? JSON.stringify(value) : value;
}

function bounded(text: string): string {
  if (text.length <= mostCharacters) return text;
  return `${text.slice(0, mostCharacters).toWellFormed()}… (${text.length} characters)`;
}

/** Nothing that a line quotes may end it, or steer the terminal that shows it. */
function escapeControls(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that must not get through
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => named[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
