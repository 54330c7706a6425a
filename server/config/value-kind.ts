/** Result of parsing a value. If it is refused, `accepted` describes valid values. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly accepted: string };

/** One kind of value: how it is read, how it is written, and which words describe it. */
export type ValueKind<T> = {
  /** Reads a TOML value, or text from environment or command line. */
  parse(raw: unknown): Parsed<T>;
  /** Writes a value as one line of text, from which `parse` reads the same value. */
  print(value: T): string;
};

/** Creates a kind. Lists are printed with commas, as `parse` accepts them from the environment. */
export function kindOf<T>(
  parse: (raw: unknown) => Parsed<T>,
  print: (value: T) => string = (value) => String(value),
): ValueKind<T> {
  return { parse, print };
}

export function accept<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function refuse(accepted: string): { readonly ok: false; readonly accepted: string } {
  return { ok: false, accepted };
}

/**
 * Parses the value given for a key.
 * Surrounding white space, such as the newline at the end of a file, is dropped. Control characters inside are refused for every kind:
 * when the value is printed, they could forge another setting.
 */
export function parseGiven<T>(kind: ValueKind<T>, given: unknown): Parsed<T> {
  const raw = typeof given === "string" ? given.trim() : given;
  return hasControl(raw) ? refuse("a value on one line, without control characters") : kind.parse(raw);
}

/** Control characters, and the two characters that some programs treat as line ends. */
const control = /[\p{Cc}\u2028\u2029]/u;

function hasControl(raw: unknown): boolean {
  if (Array.isArray(raw)) return raw.some(hasControl);
  return typeof raw === "string" && control.test(raw);
}
