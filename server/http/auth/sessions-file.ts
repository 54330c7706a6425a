import { createHash, randomBytes } from "node:crypto";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { readFile } from "../../platform/files/files-async.ts";
import type { Log } from "../../platform/log/log.ts";
import { writePrivateFile } from "./private-file.ts";

/** `id` is the SHA-256 of the session's token; `used_ms` is the running time of the recorder at the last use. */
export type StoredSession = { readonly id: string; readonly used_ms: number };

/** The logins that a recorder remembers. They contain no password, token or address. */
export type RememberedLogins = {
  /** Identifies this recorder in its cookie names, so that two recorders on one host do not share cookies. */
  readonly instance: string;
  /** Total running time of the recorder in ms. Sessions age by it, independent of the wall clock. */
  readonly run_ms: number;
  readonly sessions: readonly StoredSession[];
  /** Keyed hashes of networks and programs that have sent the right password, oldest first. */
  readonly networks: readonly string[];
  readonly clients: readonly string[];
};

/** A small file in the data folder. If it is lost, everybody logs in again. */
export type SessionsFile = {
  /** Reads the logins of earlier runs; only the instance if the password has changed. */
  load(): Promise<RememberedLogins>;
  /** Starts a write in the background; `collect` is called just before it. */
  save(collect: () => RememberedLogins): void;
  /** Resolves when all writes are on disk. */
  settled(): Promise<void>;
};

/** Creates the file's owner. If `path` is null, logins end with the process. A changed `passwordHash` invalidates the file. */
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
        await writePrivateFile(path, `${JSON.stringify(content)}\n`);
        failed = false;
      } catch (error) {
        if (!failed)
          deps.log.warn("cannot save logins; they will be lost at the next start", { error: messageOf(error) });
        failed = true;
      }
    }
    writing = null;
  }

  return {
    async load() {
      const fresh = { instance: randomBytes(4).toString("hex"), run_ms: 0, sessions: [], networks: [], clients: [] };
      const stored = options.path === null ? null : await read(options.path);
      if (stored === "damaged")
        deps.log.warn("the file of logins is damaged; everybody has to log in again", { file: options.path });
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

/**
 * Parses the file; null if it is invalid. Also reads the older format, which has only the password and sessions, with `used_ms`
 * from the wall clock.
 */
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
