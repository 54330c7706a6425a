import { codeOf, messageOf } from "../../../platform/errors.ts";
import { readdir, readFile } from "../../../platform/files/files-async.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { ConfirmedTime } from "../../../platform/time/confirmed-time.ts";
import { within } from "../../../platform/time/deadline.ts";
import { createBoundedMap } from "../lanes/bounded-map.ts";
import { idOf, parseToken, type Token, tokenPath } from "./token-file.ts";
import { createTokenUses } from "./token-uses.ts";

/** The verdict on a secret. "unknown": never created, or revoked. "unreadable": the disk does not answer. */
export type TokenVerdict =
  | { readonly kind: "valid"; readonly token: Token }
  | { readonly kind: "unknown" | "expired" | "unreadable" };

/** Checks the tokens of programs. */
export type Tokens = {
  check(secret: string): Promise<TokenVerdict>;
  /** Watches a token that has opened a connection, which must end with the token. */
  watch(id: string): void;
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** How often tokens with open connections are looked up, ms, and how often lifetimes are checked and uses are saved. */
const watchMs = 1000;
const sweepMs = 60_000;
/** Longest wait for the disk, ms. Then a token that was right before still counts. */
const diskMs = 2000;
/** Upper bounds: lookups under way, and tokens that are remembered for a disk that does not answer. */
const mostLookups = 64;
const mostKnown = 200;
/** At most one line of the log in this time for refused tokens, ms. */
const logMs = 60_000;

type Deps = {
  time: () => ConfirmedTime;
  /** Tells whether a connection of this token is open. */
  isConnected: (id: string) => boolean;
  /** Called when a token with open connections is no longer valid. */
  onEnd: (id: string) => void;
  log: Log;
};

/** Creates the check of the tokens in `folder`; null: every token is unknown. */
export function createTokens(options: { folder: string | null; usesPath: string | null }, deps: Deps): Tokens {
  const { folder } = options;
  const uses = createTokenUses(options.usesPath, deps);
  const known = createBoundedMap<Token>(mostKnown);
  const lookups = new Map<string, Promise<Token | "unknown" | "unreadable">>();
  const watched = new Set<string>();
  let watchTimer: ReturnType<typeof setInterval> | undefined;
  let sweepTimer: ReturnType<typeof setInterval> | undefined;
  let sweeping: Promise<void> = Promise.resolve();
  let refused = 0;
  let loggedMs = Number.NEGATIVE_INFINITY;

  /** Reads a token's file. Parallel lookups of a token share the next read, so that each sees the state of now. */
  async function find(id: string): Promise<Token | "unknown" | "unreadable"> {
    if (folder === null) return "unknown";
    const running = lookups.get(id);
    if (running !== undefined) await running;
    const next = lookups.get(id);
    if (next !== undefined) return next;
    if (lookups.size >= mostLookups) return known.get(id) ?? "unreadable";
    const lookup = read(folder, id).finally(() => lookups.delete(id));
    lookups.set(id, lookup);
    return lookup;
  }

  async function read(from: string, id: string): Promise<Token | "unknown" | "unreadable"> {
    try {
      const text = await within(readFile(tokenPath(from, id), "utf8"), { what: "no answer of the disk", ms: diskMs });
      const token = parseToken(id, text);
      if (token === null)
        deps.log.error("a token's file is damaged; create the token again", { token: id.slice(0, 8) });
      else known.put(id, token);
      return token ?? "unknown";
    } catch (error) {
      if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") {
        known.delete(id);
        return "unknown";
      }
      const token = known.get(id);
      if (token === undefined) deps.log.error("cannot read a token", { error: messageOf(error) });
      return token ?? "unreadable";
    }
  }

  async function verdictOf(id: string): Promise<TokenVerdict> {
    const token = await find(id);
    if (typeof token === "string") return { kind: token };
    return uses.isExpired(token) ? { kind: "expired" } : { kind: "valid", token };
  }

  function logRefusal(kind: string): void {
    refused++;
    if (performance.now() - loggedMs < logMs) return;
    deps.log.warn("a token was refused", { why: kind, refused_since_last_line: refused });
    loggedMs = performance.now();
    refused = 0;
  }

  async function lookAgain(): Promise<void> {
    for (const id of watched) {
      if (!deps.isConnected(id)) watched.delete(id);
      else if (["unknown", "expired"].includes((await verdictOf(id)).kind)) deps.onEnd(id);
    }
    if (watched.size > 0) return;
    clearInterval(watchTimer);
    watchTimer = undefined;
  }

  /** Checks every token's lifetime, used or not, so that it ends while the time is confirmed. */
  async function sweep(): Promise<void> {
    if (folder === null) return;
    const names = await readdir(folder).catch((error: unknown) => (codeOf(error) === "ENOENT" ? [] : null));
    if (names === null) return;
    const ids = names.flatMap((name) => /^([0-9a-f]{64})\.json$/.exec(name)?.slice(1) ?? []);
    for (const id of ids) await verdictOf(id);
    await uses.keep(new Set(ids));
  }

  function sweepInTurn(): Promise<void> {
    sweeping = sweeping.then(sweep);
    return sweeping;
  }

  return {
    async check(secret) {
      const verdict = await verdictOf(idOf(secret));
      if (verdict.kind === "valid") uses.onUse(verdict.token.id);
      else logRefusal(verdict.kind);
      return verdict;
    },
    watch(id) {
      watched.add(id);
      watchTimer ??= setInterval(() => void lookAgain(), watchMs).unref();
    },
    async start() {
      if (folder === null) return;
      await uses.load();
      sweepTimer = setInterval(sweepInTurn, sweepMs).unref();
    },
    async stop() {
      clearInterval(watchTimer);
      clearInterval(sweepTimer);
      await sweepInTurn();
    },
  };
}
