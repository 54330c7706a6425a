import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";

/** What a token may do. Each scope includes the scopes before it. */
export const tokenScopes = ["metrics", "read", "download", "act"] as const;
export type TokenScope = (typeof tokenScopes)[number];

/** A token as stored. The secret itself is stored nowhere. */
export type Token = {
  /** SHA-256 of the secret, hexadecimal: the name of its file. 256 random bits need no slow hash. */
  readonly id: string;
  /** Unique name for people. */
  readonly name: string;
  readonly scope: TokenScope;
  /** By the clock of the command that created it. */
  readonly created_us: number;
  /** Lifetime in seconds, or null. The recorder counts it, by a confirmed time. */
  readonly lifetime_s: number | null;
};

/**
 * Each token is a file of its own, `<data>/tokens/<id>.json`. Creating and revoking is one atomic step, and the recorder looks a token
 * up by reading its file: both take effect at once, without a list in memory that could be out of date.
 */
export function tokensFolder(dataDir: string): string {
  return join(dataDir, "tokens");
}

export function tokenPath(folder: string, id: string): string {
  return join(folder, `${id}.json`);
}

/** Creates a secret. Scanners of published code recognize it by its prefix. */
export function createSecret(): string {
  return `rtd_${randomBytes(32).toString("base64url")}`;
}

/** Tests whether a text has the form of a secret. */
export function isSecret(text: string): boolean {
  return /^rtd_[\w-]{43}$/.test(text);
}

export function idOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

export function printToken({ name, scope, created_us, lifetime_s }: Token): string {
  return `${JSON.stringify({ name, scope, created_us, lifetime_s })}\n`;
}

/** Parses a token's file; null if it is invalid. */
export function parseToken(id: string, text: string): Token | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { name, scope, created_us, lifetime_s } = value as Record<string, unknown>;
  const known = tokenScopes.find((candidate) => candidate === scope);
  const isLifetime = lifetime_s === null || (typeof lifetime_s === "number" && lifetime_s > 0);
  if (typeof name !== "string" || known === undefined || typeof created_us !== "number" || !isLifetime) return null;
  return { id, name, scope: known, created_us, lifetime_s: lifetime_s as number | null };
}
