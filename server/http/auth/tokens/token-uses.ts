import { codeOf, messageOf } from "../../../platform/errors.ts";
import { readFile } from "../../../platform/files/files-async.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { ConfirmedTime } from "../../../platform/time/confirmed-time.ts";
import { writePrivateFile } from "../private-file.ts";
import type { Token } from "./token-file.ts";

/** What the recorder notes of a token. */
export type TokenUse = {
  /** When the lifetime began, by a confirmed time; null before the recorder has seen the token with one. */
  readonly from_us: number | null;
  /** Last use, by this machine's clock; null if never. For people only. */
  readonly used_us: number | null;
  readonly is_expired: boolean;
};

/** The notes of all tokens. Only the recorder writes their file; if it is lost, lifetimes begin again. */
export type TokenUses = {
  load(): Promise<void>;
  of(id: string): TokenUse;
  onUse(id: string): void;
  /**
   * Tells whether a token's lifetime is over. No clock alone decides: time counts only while it is confirmed. A token that was once
   * found expired stays expired, also while the time is unconfirmed.
   */
  isExpired(token: Token): boolean;
  /** Drops the notes of tokens that are gone, and saves the changed notes. */
  keep(ids: ReadonlySet<string>): Promise<void>;
};

/** The lifetime begins at the token's own creation time if that is at most so far from the confirmed time, µs. */
const plausibleUs = 86_400_000_000;

const unused: TokenUse = { from_us: null, used_us: null, is_expired: false };

/** The file's name in the data folder. */
export const usesFile = "token-uses.json";

export function createTokenUses(path: string | null, deps: { time: () => ConfirmedTime; log: Log }): TokenUses {
  let uses = new Map<string, TokenUse>();
  let isChanged = false;
  let hasFailed = false;

  const of = (id: string) => uses.get(id) ?? unused;

  function update(id: string, change: Partial<TokenUse>): void {
    uses.set(id, { ...of(id), ...change });
    isChanged = true;
  }

  return {
    async load() {
      if (path === null) return;
      try {
        uses = parseUses(await readFile(path, "utf8"));
      } catch (error) {
        if (codeOf(error) !== "ENOENT")
          deps.log.warn("cannot read when tokens were used; their lifetimes begin again", { error: messageOf(error) });
      }
    },
    of,
    onUse: (id) => update(id, { used_us: Date.now() * 1000 }),
    isExpired({ id, created_us, lifetime_s }) {
      if (lifetime_s === null) return false;
      if (of(id).is_expired) return true;
      const now = deps.time();
      if (now.kind === "unconfirmed") return false;
      const isPlausible = Math.abs(now.us - created_us) <= plausibleUs;
      const from_us = of(id).from_us ?? (isPlausible ? created_us : now.us);
      const is_expired = now.us >= from_us + lifetime_s * 1_000_000;
      if (from_us !== of(id).from_us || is_expired) update(id, { from_us, is_expired });
      return is_expired;
    },
    async keep(ids) {
      for (const id of [...uses.keys()].filter((known) => !ids.has(known))) {
        uses.delete(id);
        isChanged = true;
      }
      if (!isChanged || path === null) return;
      isChanged = false;
      try {
        await writePrivateFile(path, `${JSON.stringify({ tokens: Object.fromEntries(uses) })}\n`);
        hasFailed = false;
      } catch (error) {
        isChanged = true;
        if (!hasFailed) deps.log.warn("cannot save when tokens were used", { error: messageOf(error) });
        hasFailed = true;
      }
    },
  };
}

/** Parses the file; entries that are invalid are left out. */
export function parseUses(text: string): Map<string, TokenUse> {
  const value: unknown = JSON.parse(text);
  const tokens = typeof value === "object" && value !== null && "tokens" in value ? value.tokens : {};
  const entries = typeof tokens === "object" && tokens !== null ? Object.entries(tokens) : [];
  const time = (us: unknown) => (typeof us === "number" && Number.isFinite(us) ? us : null);
  return new Map(
    entries.flatMap(([id, use]): [string, TokenUse][] => {
      if (typeof use !== "object" || use === null) return [];
      const { from_us, used_us, is_expired } = use as Record<string, unknown>;
      return [[id, { from_us: time(from_us), used_us: time(used_us), is_expired: is_expired === true }]];
    }),
  );
}
