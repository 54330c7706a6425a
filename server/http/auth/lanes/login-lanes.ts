import { createBoundedMap } from "./bounded-map.ts";
import { createLane, type Lane, type LaneDeps, type LaneLimits } from "./lane.ts";
import { createLoginRateLimit, type LoginAttempt, type LoginRateLimit } from "./login-rate-limit.ts";
import { networkOf, siteNetworkOf } from "./network.ts";

/**
 * The lanes. A wrong password uses up the budget of its own lane, so it can only delay logins in the same lane:
 *
 * | lane      | members                                                           | wrong passwords                      |
 * |-----------|-------------------------------------------------------------------|--------------------------------------|
 * | device    | a browser with a device cookie                                    | 5, then 1 s, 2 s, 4 s … 15 min       |
 * | client    | a program that was right before: network, user name, user agent   | 50,000 at 100/s, then one in 4 s     |
 * | network   | a network that was right before; this machine                     | 6,000 at 20/s, then one in 10 s      |
 * | newcomers | networks with fewer than two wrong passwords, the rarest first    | 25,000 at 50/s, then one in 5 s      |
 * | strangers | all other networks; each also waits like a device                 | 50, then one in 10 s                 |
 *
 * Right passwords are free. Until the first right password after a start, argon2 decides: at most 5 wrong passwords a second. After
 * that a keyed hash decides.
 */
const lanes = {
  client: { budget: 50_000, refillMs: 4000, pauseMs: 10, queue: 800, patienceMs: 8000 },
  network: { budget: 6000, refillMs: 10_000, pauseMs: 50, queue: 200, patienceMs: 10_000 },
  newcomers: { budget: 25_000, refillMs: 5000, pauseMs: 20, queue: 500, patienceMs: 10_000 },
  strangers: { budget: 50, refillMs: 10_000, pauseMs: 0, queue: 16, patienceMs: 5000 },
} as const satisfies Record<string, LaneLimits>;

/**
 * Bounds for newcomers: wrong passwords of a network, and newcomers of an IPv6 /48 within `siteMs`. Beyond a bound the network counts
 * as a stranger.
 */
const newcomersFailures = 2;
const newcomersOfSite = 16;
const siteMs = 86_400_000;
/** Upper bounds for memory: the networks and devices that failed last, and the lanes that were used last. */
const mostNetworks = 20_000;
const mostDevices = 1000;
const mostLanes = 256;
/** Longest advised wait, ms. */
const mostAdvisedMs = 8000;

/** The lane for a password, or the wait in ms until the sender may try again. */
export type LoginOrigin = Room | { readonly waitMs: number };

/** A place in a lane; lower ranks go first. If `lane` is null, the password is checked at once. `advisedMs` follows a wrong password. */
export type Room = {
  readonly lane: Lane | null;
  readonly rank: number;
  readonly attempt: LoginAttempt | null;
  readonly advisedMs: number;
};

/** Creates the lanes of a recorder. */
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

  /** Advises known senders to wait after wrong passwords. Only the lane enforces it, so the right password always works. */
  function advised(limit: LoginRateLimit, key: string, lane: Lane): Room {
    const begun = limit.begin(key);
    if (begun.ok) return { lane, rank: 0, attempt: begun.attempt, advisedMs: 0 };
    return { lane, rank: 0, attempt: null, advisedMs: Math.min(mostAdvisedMs, begun.waitMs) };
  }

  /** Counts a newcomer in its neighbourhood and returns the count; null if a customer's /48 has too many newcomers. */
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
      // Among equally new networks, the network whose neighbourhood has the fewest newcomers goes first.
      return { lane: newcomers, rank: failures * 1000 + Math.min(atSite, 999), attempt, advisedMs: 0 };
    },
    /** Waits in ms after a wrong password. */
    waitMs: {
      ofDevice: devices.waitMs,
      ofStranger: networks.waitMs,
      ofNetwork: (network: string) => Math.min(mostAdvisedMs, networks.waitMs(network)),
      ofProgram: (program: string) => Math.min(mostAdvisedMs, programs.waitMs(program)),
    },
  };
}
