/** Room for a try, or how long there is none. */
export type Turn = { readonly ok: true; readonly attempt: Attempt } | { readonly ok: false; readonly waitMs: number };

/** A try under way. It counts as failed until it is said to be otherwise, so that many at once are no way round the limit. */
export type Attempt = {
  succeed(): void;
  /** It was not looked at: it does not count. */
  cancel(): void;
  /** How many have failed in a row from this address, this one included. */
  readonly failures: number;
};

/** Slows down whoever guesses passwords. */
export type LoginLimit = {
  /** How long this address has to wait, ms; 0 where it may try now. */
  waitMs(address: string): number;
  begin(address: string): Turn;
};

/** So many may fail before an address has to wait; then 1 s, 2 s, 4 s … */
const freeFailures = 5;
const firstWaitMs = 1000;
const longestWaitMs = 15 * 60_000;
/** An address that has not tried for so long begins anew. */
const forgottenAfterMs = 60 * 60_000;
/** Addresses remembered; the one that has not tried for longest makes room. */
const mostAddresses = 10_000;
/** All strangers together: so many failures at once, then one in so many ms. */
const freeOfAll = 50;
const eachOfAllMs = 10_000;
/** Addresses from which somebody has logged in are not held up by what strangers do. */
const mostKnown = 1000;

type Entry = { failures: number; lastMs: number; untilMs: number };

/** Wrong guesses cost time: of one address more each time, and of all addresses together a fixed rate. `nowMs` never runs back. */
export function createLoginLimit(nowMs: () => number): LoginLimit {
  const entries = new Map<string, Entry>();
  const known = new Set<string>();
  let spent = 0;
  let spentMs = nowMs();

  function refill(now: number): void {
    const back = Math.floor((now - spentMs) / eachOfAllMs);
    spent = Math.max(0, spent - back);
    spentMs = spent === 0 ? now : spentMs + back * eachOfAllMs;
  }

  function waitMs(address: string): number {
    const now = nowMs();
    refill(now);
    const key = keyOf(address);
    const own = (entries.get(key)?.untilMs ?? 0) - now;
    const ofAll = known.has(key) || spent < freeOfAll ? 0 : spentMs + eachOfAllMs - now;
    return Math.max(0, own, ofAll);
  }

  return {
    waitMs,
    begin(address) {
      const wait = waitMs(address);
      if (wait > 0) return { ok: false, waitMs: wait };
      const key = keyOf(address);
      const isKnown = known.has(key);
      const before = entries.get(key);
      const now = nowMs();
      const failures = (before !== undefined && now - before.lastMs < forgottenAfterMs ? before.failures : 0) + 1;
      const delay = failures < freeFailures ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - freeFailures));
      const entry = { failures, lastMs: now, untilMs: now + delay };
      put(entries, key, entry, mostAddresses);
      if (!isKnown) spent++;
      const giveBack = () => {
        if (!isKnown) spent = Math.max(0, spent - 1);
      };
      const attempt: Attempt = {
        failures,
        succeed() {
          giveBack();
          entries.delete(key);
          put(known, key, mostKnown);
        },
        cancel() {
          giveBack();
          if (entries.get(key) !== entry) return;
          if (before === undefined) entries.delete(key);
          else entries.set(key, before);
        },
      };
      return { ok: true, attempt };
    },
  };
}

/** Who has one address of IPv6 has 2^64. */
function keyOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => "0"), ...right];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, "").toLowerCase())
    .join(":");
}

function put(set: Set<string>, key: string, most: number): void;
function put<V>(map: Map<string, V>, key: string, value: V, most: number): void;
function put<V>(into: Set<string> | Map<string, V>, key: string, ...rest: [number] | [V, number]): void {
  into.delete(key);
  if (into instanceof Set) into.add(key);
  else into.set(key, rest[0] as V);
  const oldest = into.keys().next().value;
  if (into.size > (rest.at(-1) as number) && oldest !== undefined) into.delete(oldest);
}
