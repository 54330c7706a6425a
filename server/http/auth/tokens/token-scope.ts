import { type TokenScope, tokenScopes } from "./token-file.ts";

/** First segments of the paths that the scope `read` includesScope. */
const readable: readonly (string | undefined)[] = ["api", "state", "openapi", "ws", "metrics", "health", "tardis"];

/**
 * Returns the scope that a request needs. `path` is below the base path. Whatever is not listed needs `act`: the page, and all that acts.
 * Odd spellings (double slashes, percent-encoding) never need less than the plain path.
 */
export function scopeNeeded(method: string, path: string): TokenScope {
  if (method !== "GET" && method !== "HEAD" && method !== "OPTIONS") return "act";
  if (path === "/metrics") return "metrics";
  const segments = decodeURIComponent(path).split("/").filter(Boolean);
  if (!readable.includes(segments[0])) return "act";
  const isArchive = segments[0] === "api" && segments[1] === "archives";
  return isArchive && ["file", "tar"].includes(segments.at(-1) ?? "") ? "download" : "read";
}

/** Tells whether a scope includes another. */
export function includesScope(scope: TokenScope, needed: TokenScope): boolean {
  return tokenScopes.indexOf(scope) >= tokenScopes.indexOf(needed);
}
