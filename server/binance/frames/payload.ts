import type { StreamMember } from "../../domain/stream-kind-facts.ts";
import { type StreamKind, streamKinds } from "../../domain/stream-kinds.ts";

/**
 * Returns why a parsed payload cannot be stored verbatim; null if it can. `text` is the payload's text, `data` its parsed value.
 * Readers of the files find an id by the first occurrence of its name. Text and parser must therefore agree: each name occurs once,
 * integers are plain digits, and no member has a name that RT-Data uses itself.
 */
export function payloadProblem(text: string, data: Record<string, unknown>, kind: StreamKind): string | null {
  const { members, id, firstId } = streamKinds[kind];
  const required = members.filter(({ name, isRequired }) => isRequired || name === id || name === firstId);
  const missing = required.find(({ name, form }) => !checks[form](data[name]));
  if (missing !== undefined) return `without a valid "${missing.name}"`;
  const structure = structureProblem(text, data);
  if (structure !== null) return structure;
  for (const { name, form } of required)
    if (checks[form] === isId && plainInteger(text, name) !== data[name]) return `without a plain "${name}"`;
  return null;
}

/** Returns why an object would break readers of lines, whatever its members are; null if it would not. */
export function structureProblem(text: string, data: object): string | null {
  if (reservedNames.some((name) => name in data)) return "with a member under a name that RT-Data uses itself";
  return text.includes("\ufffd") ? "with bytes that are not UTF-8" : disputedText(text);
}

const reservedNames = ["recv_us", "net_delay_ms", "repaired"];

/** Checks whether a value matches the form of its member. */
const checks: Readonly<Record<StreamMember["form"], (value: unknown) => boolean>> = {
  event: isText,
  symbol: isText,
  time: isId,
  id: isId,
  integer: isId,
  decimal: isDecimal,
  boolean: (value) => typeof value === "boolean",
  bids: isSide,
  asks: isSide,
};

/** Finds JSON that parsers disagree about: a name twice in one object, half of a surrogate pair, a huge integer. */
function disputedText(text: string): string | null {
  /** Names in each open object; null for open lists. */
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{") open.push(new Set());
    else if (character === "[") open.push(null);
    else if (character === "}" || character === "]") open.pop();
    else if (isNumberStart(character)) {
      const [digits = ""] = /^[-+.\deE]+/.exec(text.slice(at, at + longestNumber)) ?? [];
      if (/^-?\d+$/.test(digits) && !Number.isSafeInteger(Number(digits)))
        return "with an integer that not every reader can hold";
      at += digits.length - 1;
    } else if (character === '"') {
      const end = endOfString(text, at);
      const token = text.slice(at, end);
      const value: string = token.includes("\\") ? JSON.parse(token) : token.slice(1, -1);
      if (!value.isWellFormed()) return "with half of a surrogate pair";
      at = end - 1;
      if (!/^\s*:/.test(text.slice(end, end + 16))) continue;
      const names = open.at(-1);
      if (names?.has(value)) return "with a name twice";
      names?.add(value);
    }
  }
  return null;
}

/** Most characters of a number that are read; a longer integer exceeds every reader. */
const longestNumber = 400;

function isNumberStart(character: string | undefined): boolean {
  return character === "-" || (character !== undefined && character >= "0" && character <= "9");
}

/** Returns the position behind the closing quote of the string that starts at `at`. */
function endOfString(text: string, at: number): number {
  let end = at + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
  return end + 1;
}

/** Returns the integer after the first occurrence of the name, as readers of lines do; null if it is not plain digits. */
export function plainInteger(text: string, name: string): number | null {
  const mark = `"${name}":`;
  const match = /^(?:0|[1-9]\d{0,15})(?=[,}])/.exec(text.slice(text.indexOf(mark) + mark.length).slice(0, 17));
  return match === null ? null : Number(match[0]);
}

function isId(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isDecimal(value: unknown): boolean {
  return typeof value === "string" && /^\d+(\.\d+)?$/.test(value);
}

function isSide(value: unknown): boolean {
  return (
    Array.isArray(value) && value.every((level) => Array.isArray(level) && level.length >= 2 && level.every(isDecimal))
  );
}
