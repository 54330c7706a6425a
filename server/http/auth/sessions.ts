import { createHash, randomBytes } from "node:crypto";
import type { StoredSession } from "./sessions-file.ts";

/** Those who are logged in. Of a token only its SHA-256 is kept, in memory and on disk. */
export type Sessions = {
  /** Takes over those of the run before. */
  restore(sessions: readonly StoredSession[]): void;
  all(): readonly StoredSession[];
  /** A new session; returns its token, which is told only here. */
  create(): string;
  /** Id of the session that a token belongs to, or null. */
  find(token: string): string | null;
  /** Lets a session live on. True where its cookie has to be given anew: about once a day. */
  renew(id: string): boolean;
  /** False where there was none of this id. */
  end(id: string): boolean;
};

/** A session ends when nobody has used it for so long, counted while the recorder runs. */
export const sessionMs = 30 * 86_400_000;
/** How late file and cookie may be about when a session was last used. */
const renewedAfterMs = 86_400_000;
/** The one not used for longest makes room. */
const mostSessions = 200;

type Deps = {
  /**
   * How long the recorder has run in all its runs, ms. A wall clock that is wrong by a month would log everybody out, or let an old
   * session live for ever; this one only moves forward, at the speed of time.
   */
  runMs: () => number;
  onEnd: (id: string) => void;
  onChange: () => void;
};

export function createSessions(deps: Deps): Sessions {
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
      const oldest = [...sessions.values()].toSorted((a, b) => a.used_ms - b.used_ms)[0];
      if (sessions.size >= mostSessions && oldest !== undefined) end(oldest.id);
      sessions.set(id, { id, used_ms: deps.runMs() });
      deps.onChange();
      return token;
    },
    find(token) {
      if (!/^[\w-]{43}$/.test(token)) return null;
      const id = digest(token);
      const session = sessions.get(id);
      if (session === undefined) return null;
      if (deps.runMs() - session.used_ms < sessionMs) return id;
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
