import { type StreamKind, streamKinds } from "../../domain/stream-kinds.ts";
import { payloadProblem } from "../frames/payload.ts";

/** A string, or white space outside of a string. */
const whiteSpace = /("(?:[^"\\]|\\.)*")|\s+/g;

/** Removes white space between members. Numbers and texts stay as sent. */
export function withoutBlanks(text: string): string {
  return /\s/.test(text) ? text.replace(whiteSpace, "$1") : text;
}

/** An answer that was taken by parsing it. */
export type ParsedAnswer = {
  /** The answer's text without white space between members: one line. */
  readonly payload: string;
  readonly id: number;
};

/**
 * Reads an answer of a form that is not today's: new or reordered members, white space. Null if a member is missing that records of this
 * kind must have, or if the text cannot be stored as a line.
 */
export function parseAnswer(text: string, kind: StreamKind): ParsedAnswer | null {
  const data = parseObject(text);
  if (data === null) return null;
  const payload = withoutBlanks(text);
  if (payloadProblem(payload, data, kind) !== null) return null;
  return { payload, id: data[streamKinds[kind].id ?? ""] as number };
}

/** Parses the text of a JSON object; null for any other text. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
