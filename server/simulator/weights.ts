import { backoff } from "../platform/time/backoff.ts";
/** What the limiter says to one request. */
export type WeightVerdict =
  | { readonly allowed: true; readonly used: number }
  | { readonly allowed: false; readonly status: 429 | 418; readonly used: number; readonly retryAfterSeconds: number };

/** Counts request weight per address and UTC minute. */
export type Weights = {
  /** Charges `weight` to `address` at `now` (ms), or refuses. */
  charge(address: string, weight: number, now: number): WeightVerdict;
  /** End of the ban of this address, ms; null without a ban. */
  bannedUntil(address: string, now: number): number | null;
};

type Account = { minute: number; used: number; refused: number; bans: number; bannedUntil: number };

const minuteMs = 60_000;
const bansMs = { first: 2 * minuteMs, longest: 3 * 86_400_000 };
/** Addresses remembered; on loopback there is one, but whoever binds elsewhere must not be made to grow without end. */
const maxAccounts = 10_000;

/**
 * REQUEST_WEIGHT as Binance describes it: over `limit` in a minute is 429; whoever goes on (`patience` refusals in a minute) is
 * banned with 418, 2 minutes at first, doubling up to 3 days. Source: rest-api.md, "LIMITS"; the number of refusals that are
 * forgiven is not documented.
 */
export function createWeights(options: { limit: number; patience: number }): Weights {
  const accounts = new Map<string, Account>();

  function accountOf(address: string, now: number): Account {
    const minute = Math.floor(now / minuteMs);
    let account = accounts.get(address);
    if (account === undefined) {
      if (accounts.size >= maxAccounts) forgetOldest(accounts, minute);
      account = { minute, used: 0, refused: 0, bans: 0, bannedUntil: 0 };
      accounts.set(address, account);
    }
    if (account.minute !== minute) Object.assign(account, { minute, used: 0, refused: 0 });
    return account;
  }

  return {
    charge(address, weight, now) {
      const account = accountOf(address, now);
      if (now < account.bannedUntil) return refuse(account, 418, account.bannedUntil - now);
      account.used += weight;
      if (account.used <= options.limit) return { allowed: true, used: account.used };
      account.refused += 1;
      if (account.refused <= options.patience) return refuse(account, 429, (account.minute + 1) * minuteMs - now);
      account.bannedUntil = now + backoff(bansMs, account.bans++);
      return refuse(account, 418, account.bannedUntil - now);
    },
    bannedUntil(address, now) {
      const until = accounts.get(address)?.bannedUntil ?? 0;
      return now < until ? until : null;
    },
  };
}

function refuse(account: Account, status: 429 | 418, waitMs: number): WeightVerdict {
  return { allowed: false, status, used: account.used, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
}

function forgetOldest(accounts: Map<string, Account>, minute: number): void {
  for (const [address, account] of accounts) {
    if (account.minute !== minute && account.bannedUntil < minute * minuteMs) accounts.delete(address);
  }
  const first = accounts.keys().next();
  if (accounts.size >= maxAccounts && !first.done) accounts.delete(first.value);
}
