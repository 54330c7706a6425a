import { createHash, randomBytes } from "node:crypto";
import type { StoredSession } from "./sessions-file.ts";

/** The sessions that are logged in. Memory and disk hold only the SHA-256 of a token. */
export type Sessions = {
  /** Adds the sessions of earlier runs; expired sessions are dropped. */
  restore(sessions: readonly StoredSession[]): void;
  all(): readonly StoredSession[];
  /** Creates a session and returns its token. The token cannot be read again later. */
  create(): string;
  /** Returns the session id of a token, or null. Ends the session if it has expired. */
  find(token: string): string | null;
  /** Extends a session. True about once a day: then its cookie must be sent again. */
  renew(id: string): boolean;
  /** Ends a session; false if there is no session with this id. */
  end(id: string): boolean;
};

/** A session ends after this time without use, ms. Only the running time of the recorder counts. */
export const sessionMs = 30 * 86_400_000;
/** The last use in file and cookie may lag behind by this much, ms. */
const renewedAfterMs = 86_400_000;
/** Upper bound for sessions; a new session then replaces the least recently used session. */
const mostSessions = 200;

type Deps = {
  /**
   * Total running time of the recorder over all runs, ms. It only moves forward, at the speed of time. A wall clock that is wrong
   * by a month would log everybody out, or keep an old session alive for ever.
   */
  runMs: () => number;
  onEnd: (id: string) => void;
  onChange: () => void;
};

export function createSessions(deps: Deps): Sessions {
  /** Least recently used first. `used_ms` alone would not tell: it changes once a day. */
  const sessions = new Map<string, StoredSession>();

  function end(id: string): boolean {
    if (!sessions.delete(id)) return false;
    deps.onEnd(id);
    deps.onChange();
    return true;
  }

  return {
    restore(stored) {
      const fromMs = deps.runMs() - sessionMs;
      const alive = stored.filter(({ used_ms }) => used_ms > fromMs).slice(-mostSessions);
      for (const session of alive) sessions.set(session.id, session);
    },
    all: () => [...sessions.values()],
    create() {
      const token = randomBytes(32).toString("base64url");
      const id = digest(token);
      const [oldest] = sessions.keys();
      if (sessions.size >= mostSessions && oldest !== undefined) end(oldest);
      sessions.set(id, { id, used_ms: deps.runMs() });
      deps.onChange();
      return token;
    },
    find(token) {
      if (!/^[\w-]{43}$/.test(token)) return null;
      const id = digest(token);
      const session = sessions.get(id);
      if (session === undefined) return null;
      if (deps.runMs() - session.used_ms < sessionMs) {
        sessions.delete(id);
        sessions.set(id, session);
        return id;
      }
      end(id);
      return null;
    },
    renew(id) {
      const session = sessions.get(id);
      const now = deps.runMs();
      if (session === undefined || now - session.used_ms < renewedAfterMs) return false;
      sessions.set(id, { id, used_ms: now });
      deps.onChange();
      return true;
    },
    end,
  };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
