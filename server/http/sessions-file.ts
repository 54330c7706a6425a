import { dirname } from "node:path";
import { open, readFile, rename } from "../platform/files-async.ts";
import { codeOf } from "../problem.ts";

/** `id` is the SHA-256 of the session's token. */
export type StoredSession = { readonly id: string; readonly used_ms: number };

/** `password` is the SHA-256 of the hash by which these were let in. */
export type StoredSessions = { readonly password: string; readonly sessions: readonly StoredSession[] };

/** What the file holds; null where there is none, "damaged" where it is none of ours. */
export async function readSessions(path: string): Promise<StoredSessions | null | "damaged"> {
  try {
    const stored: unknown = JSON.parse(await readFile(path, "utf8"));
    return isStored(stored) ? stored : "damaged";
  } catch (error) {
    return codeOf(error) === "ENOENT" ? null : "damaged";
  }
}

/** Writes the file, for its owner's eyes only; off the main thread, since a disk may stand still. */
export async function writeSessions(path: string, content: StoredSessions): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(content)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isStored(value: unknown): value is StoredSessions {
  if (typeof value !== "object" || value === null) return false;
  const { password, sessions } = value as Record<string, unknown>;
  return typeof password === "string" && Array.isArray(sessions) && sessions.every(isSession);
}

function isSession(value: unknown): value is StoredSession {
  if (typeof value !== "object" || value === null) return false;
  const { id, used_ms } = value as Record<string, unknown>;
  return typeof id === "string" && typeof used_ms === "number" && Number.isFinite(used_ms);
}
