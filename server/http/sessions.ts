import { createHash, randomBytes } from "node:crypto";
import type { ConfirmedTime } from "../confirmed-time.ts";
import type { Log } from "../log.ts";
import { messageOf } from "../problem.ts";
import { readSessions, type StoredSession, writeSessions } from "./sessions-file.ts";

/** Those who are logged in. Of a token only its SHA-256 is kept, in memory and on disk. */
export type Sessions = {
  /** Takes over those of the run before, unless the password was another. */
  load(): Promise<void>;
  /** A new session; returns its token, which is told only here. */
  create(): string;
  /** Id of the session that a token belongs to, or null. */
  find(token: string): string | null;
  /** Lets a session live on. True where its cookie has to be given anew: about once a day. */
  renew(id: string): boolean;
  /** False where there was none of this id. */
  end(id: string): boolean;
  /** Resolves when what is known is on disk. */
  settled(): Promise<void>;
};

/** A session ends when nobody has used it for so long, by a confirmed time. */
export const sessionMs = 30 * 86_400_000;
/** How late file and cookie may be about when a session was last used. */
const renewedAfterMs = 86_400_000;
/** The one not used for longest makes room. */
const mostSessions = 200;
/** Last use at a time that nobody could confirm: it counts from the first confirmed look at the session. */
const notKnown = 0;

type Deps = { time: () => ConfirmedTime; log: Log; onEnd: (id: string) => void };

/** `path` is the file that they outlive a restart in, or null; `passwordHash` is what they were let in by. */
export function createSessions(options: { path: string | null; passwordHash: string }, deps: Deps): Sessions {
  const password = digest(options.passwordHash);
  /** The one not used for longest comes first. */
  const sessions = new Map<string, StoredSession>();
  let writing: Promise<void> | null = null;
  let again = false;
  let failed = false;

  /** Whole ms, or null while the time is unconfirmed. */
  function confirmedMs(): number | null {
    const time = deps.time();
    return time.kind === "confirmed" ? Math.floor(time.us / 1000) : null;
  }

  function note(id: string, usedMs: number): void {
    sessions.delete(id);
    sessions.set(id, { id, used_ms: usedMs });
    write();
  }

  function end(id: string): boolean {
    if (!sessions.delete(id)) return false;
    deps.onEnd(id);
    write();
    return true;
  }

  /** One write at a time; what changes meanwhile is in the next one. */
  function write(): void {
    again = true;
    writing ??= (async () => {
      while (again && options.path !== null) {
        again = false;
        try {
          await writeSessions(options.path, { password, sessions: [...sessions.values()] });
          failed = false;
        } catch (error) {
          if (!failed) deps.log.warn("logins cannot be kept for the next start", { error: messageOf(error) });
          failed = true;
        }
      }
      writing = null;
    })();
  }

  return {
    async load() {
      if (options.path === null) return;
      const stored = await readSessions(options.path);
      if (stored === "damaged") deps.log.warn("logins of before are not known any more", { file: options.path });
      if (stored === null || stored === "damaged" || stored.password !== password) return;
      for (const session of stored.sessions.slice(-mostSessions)) sessions.set(session.id, session);
    },
    create() {
      const token = randomBytes(32).toString("base64url");
      const id = digest(token);
      const [oldest] = sessions.keys();
      if (sessions.size >= mostSessions && oldest !== undefined) end(oldest);
      note(id, confirmedMs() ?? notKnown);
      return token;
    },
    find(token) {
      if (!/^[\w-]{43}$/.test(token)) return null;
      const id = digest(token);
      const session = sessions.get(id);
      if (session === undefined) return null;
      const now = confirmedMs();
      if (now === null || now - session.used_ms < sessionMs) return id;
      if (session.used_ms === notKnown) {
        note(id, now);
        return id;
      }
      end(id);
      return null;
    },
    renew(id) {
      const session = sessions.get(id);
      const now = confirmedMs();
      // A last use in the future was noted by a wrong clock of an earlier version.
      if (session === undefined || now === null || Math.abs(now - session.used_ms) < renewedAfterMs) return false;
      note(id, now);
      return true;
    },
    end,
    settled: async () => void (await writing),
  };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
