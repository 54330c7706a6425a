import { createBoundedMap } from "./bounded-map.ts";
import { createLane, type Lane, type LaneDeps, type LaneLimits } from "./lane.ts";
import { createLoginRateLimit, type LoginAttempt, type LoginRateLimit } from "./login-rate-limit.ts";
import { networkOf, siteNetworkOf } from "./network.ts";

/**
 * The lanes. A wrong password is paid for by its own lane, so nobody can cost others their entry who does not share theirs:
 *
 * | lane      | who is in it                                                      | wrong passwords                      |
 * |-----------|-------------------------------------------------------------------|--------------------------------------|
 * | device    | one browser with a device cookie                                  | 5, then 1 s, 2 s, 4 s … 15 min       |
 * | client    | one program that was right before: network, user name, user agent | 50,000 at 100/s, then one in 4 s     |
 * | network   | one network that was right before; this machine                   | 6,000 at 20/s, then one in 10 s      |
 * | newcomers | all networks with fewer than two wrong ones, the rarest first     | 25,000 at 50/s, then one in 5 s      |
 * | strangers | all other networks, each with waits of its own as a device        | 50, then one in 10 s                 |
 *
 * Right passwords cost nothing. The first verdict after a start takes argon2, 5 wrong ones in a second at most; once the password is
 * known in memory, a keyed hash decides.
 */
const lanes = {
  client: { budget: 50_000, refillMs: 4000, pauseMs: 10, queue: 800, patienceMs: 8000 },
  network: { budget: 6000, refillMs: 10_000, pauseMs: 50, queue: 200, patienceMs: 10_000 },
  newcomers: { budget: 25_000, refillMs: 5000, pauseMs: 20, queue: 500, patienceMs: 10_000 },
  strangers: { budget: 50, refillMs: 10_000, pauseMs: 0, queue: 16, patienceMs: 5000 },
} as const satisfies Record<string, LaneLimits>;

/** A network is new until so many passwords were wrong; a /48 of IPv6, until so many were, within a day. */
const newcomersFailures = 2;
const newcomersOfSite = 16;
const siteMs = 86_400_000;
/** What is remembered: the networks and devices that failed last, and the lanes that were used last. */
const mostNetworks = 20_000;
const mostDevices = 1000;
const mostLanes = 256;
/** Longest advice, ms. */
const mostAdvisedMs = 8000;

/** Where a password is looked at, and what a wrong one counts against besides. */
export type LoginOrigin = Room | { readonly waitMs: number };

/** Without a lane a password is looked at at once. Lower ranks go first in a lane. A wrong one is told to wait for `advisedMs`. */
export type Room = {
  readonly lane: Lane | null;
  readonly rank: number;
  readonly attempt: LoginAttempt | null;
  readonly advisedMs: number;
};

/** The lanes of one recorder. */
export function createLoginLanes(deps: LaneDeps) {
  const { nowMs } = deps;
  const networks = createLoginRateLimit(nowMs, mostNetworks);
  const devices = createLoginRateLimit(nowMs, mostDevices);
  const programs = createLoginRateLimit(nowMs, mostDevices);
  const sites = createBoundedMap<{ count: number; readonly sinceMs: number }>(mostNetworks);
  const used = createBoundedMap<Lane>(mostLanes);
  const newcomers = createLane(lanes.newcomers, deps);
  const strangers = createLane(lanes.strangers, deps);

  function laneOf(name: string, limits: LaneLimits): Lane {
    const lane = used.get(name) ?? createLane(limits, deps);
    used.put(name, lane);
    return lane;
  }

  /** Who is known is told to wait after wrong passwords, but a right one is let in all the same: the lane alone holds guesses up. */
  function advised(limit: LoginRateLimit, key: string, lane: Lane): Room {
    const begun = limit.begin(key);
    if (begun.ok) return { lane, rank: 0, attempt: begun.attempt, advisedMs: 0 };
    return { lane, rank: 0, attempt: null, advisedMs: Math.min(mostAdvisedMs, begun.waitMs) };
  }

  /** Counts one more newcomer of this neighbourhood; null if it is one customer who has guessed too much to be new. */
  function countAtSite(address: string): number | null {
    const { name, isOneCustomer } = siteNetworkOf(address);
    const before = sites.get(name);
    const site = before !== undefined && nowMs() - before.sinceMs < siteMs ? before : { count: 0, sinceMs: nowMs() };
    site.count++;
    sites.put(name, site);
    return isOneCustomer && site.count > newcomersOfSite ? null : site.count;
  }

  return {
    ofDevice(device: string): LoginOrigin {
      const begun = devices.begin(device);
      return begun.ok ? { lane: null, rank: 0, attempt: begun.attempt, advisedMs: 0 } : begun;
    },
    ofClient: (client: string) => advised(programs, client, laneOf(`client ${client}`, lanes.client)),
    ofProgramAt: (network: string, program: string) =>
      advised(programs, program, laneOf(`network ${network}`, lanes.network)),
    ofNetwork: (network: string) => advised(networks, network, laneOf(`network ${network}`, lanes.network)),
    ofStranger(address: string): LoginOrigin {
      const begun = networks.begin(networkOf(address));
      if (!begun.ok) return begun;
      const { failures } = begun.attempt;
      const attempt: LoginAttempt = {
        failures,
        succeed() {
          begun.attempt.succeed();
          sites.delete(siteNetworkOf(address).name);
        },
        cancel() {
          begun.attempt.cancel();
          const site = sites.get(siteNetworkOf(address).name);
          if (site !== undefined && failures <= newcomersFailures) site.count = Math.max(0, site.count - 1);
        },
      };
      const atSite = failures <= newcomersFailures ? countAtSite(address) : null;
      if (atSite === null) return { lane: strangers, rank: failures, attempt, advisedMs: 0 };
      // Among networks that are equally new those go first of whose neighbourhood the fewest have come.
      return { lane: newcomers, rank: failures * 1000 + Math.min(atSite, 999), attempt, advisedMs: 0 };
    },
    /** How long they have to wait after a wrong password, ms. */
    waitMs: {
      ofDevice: devices.waitMs,
      ofStranger: networks.waitMs,
      ofNetwork: (network: string) => Math.min(mostAdvisedMs, networks.waitMs(network)),
      ofProgram: (program: string) => Math.min(mostAdvisedMs, programs.waitMs(program)),
    },
  };
}
