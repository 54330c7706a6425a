import { createHash, randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { open, readFile, rename } from "../../platform/files/files-async.ts";
import type { Log } from "../../platform/log/log.ts";

/** `id` is the SHA-256 of the session's token; `used_ms` is read off the run clock. */
export type StoredSession = { readonly id: string; readonly used_ms: number };

/** What a recorder remembers of who came in. No password, token or address is in it. */
export type RememberedLogins = {
  /** Names this recorder in its cookies, so that two on one host do not take each other's. */
  readonly instance: string;
  /** How long the recorder has run, ms: by it sessions grow old, whatever the wall clock shows. */
  readonly run_ms: number;
  readonly sessions: readonly StoredSession[];
  /** Marks of networks and programs that have given the right password, oldest first. */
  readonly networks: readonly string[];
  readonly clients: readonly string[];
};

/** One small file in the data folder. It may be lost: then everybody logs in once more. */
export type SessionsFile = {
  /** What the run before left; only its instance if the password was another. */
  load(): Promise<RememberedLogins>;
  /** Writes soon, off the main thread; `collect` is asked when it is written. */
  save(collect: () => RememberedLogins): void;
  /** Resolves when everything is on disk. */
  settled(): Promise<void>;
};

/** `path` null: nothing outlives the process. `passwordHash` is what all were let in by; another one makes the file worthless. */
export function createSessionsFile(
  options: { path: string | null; passwordHash: string },
  deps: { log: Log },
): SessionsFile {
  const password = createHash("sha256").update(options.passwordHash).digest("hex");
  let writing: Promise<void> | null = null;
  let wanted: (() => RememberedLogins) | null = null;
  let failed = false;

  async function writeAll(path: string): Promise<void> {
    while (wanted !== null) {
      const content = { password, ...wanted() };
      wanted = null;
      try {
        await write(path, `${JSON.stringify(content)}\n`);
        failed = false;
      } catch (error) {
        if (!failed) deps.log.warn("logins cannot be kept for the next start", { error: messageOf(error) });
        failed = true;
      }
    }
    writing = null;
  }

  return {
    async load() {
      const fresh = { instance: randomBytes(4).toString("hex"), run_ms: 0, sessions: [], networks: [], clients: [] };
      const stored = options.path === null ? null : await read(options.path);
      if (stored === "damaged") deps.log.warn("logins of before are not known any more", { file: options.path });
      if (stored === null || stored === "damaged") return fresh;
      return stored.password === password ? stored : { ...fresh, instance: stored.instance };
    },
    save(collect) {
      if (options.path === null) return;
      wanted = collect;
      writing ??= writeAll(options.path);
    },
    settled: async () => void (await writing),
  };
}

async function read(path: string): Promise<(RememberedLogins & { password: string }) | null | "damaged"> {
  try {
    return parse(JSON.parse(await readFile(path, "utf8"))) ?? "damaged";
  } catch (error) {
    return codeOf(error) === "ENOENT" ? null : "damaged";
  }
}

/** Also reads the form of before, which knew passwords and sessions alone and took `used_ms` off the wall clock. */
function parse(value: unknown): (RememberedLogins & { password: string }) | null {
  if (typeof value !== "object" || value === null) return null;
  const { password, sessions, instance, run_ms, networks, clients } = value as Record<string, unknown>;
  if (typeof password !== "string" || !Array.isArray(sessions) || !sessions.every(isSession)) return null;
  const newest = Math.max(0, ...sessions.map(({ used_ms }) => used_ms));
  return {
    password,
    sessions,
    instance:
      typeof instance === "string" && /^[0-9a-f]{8}$/.test(instance) ? instance : randomBytes(4).toString("hex"),
    run_ms: typeof run_ms === "number" && run_ms >= newest ? run_ms : newest,
    networks: texts(networks),
    clients: texts(clients),
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((text): text is string => typeof text === "string") : [];
}

function isSession(value: unknown): value is StoredSession {
  if (typeof value !== "object" || value === null) return false;
  const { id, used_ms } = value as Record<string, unknown>;
  return typeof id === "string" && typeof used_ms === "number" && Number.isFinite(used_ms);
}

/** For its owner's eyes only. */
async function write(path: string, content: string): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(content);
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
