import type { Log } from "../../platform/log/log.ts";
import { longestPassword } from "../../platform/password-hash.ts";
import type { KnownLogins } from "./lanes/known-logins.ts";
import type { Lane, LaneDeps, LanePatience, LaneTurn } from "./lanes/lane.ts";
import { createLoginLanes, type LoginOrigin, type Room } from "./lanes/login-lanes.ts";
import { networkOf } from "./lanes/network.ts";
import { createPasswordCheck, type PasswordCheckDeps, type PasswordVerdict } from "./password-check.ts";

/** What trying a password came to. */
export type LoginResult =
  | { readonly kind: "right" }
  | { readonly kind: "wrong"; readonly waitMs: number }
  | { readonly kind: "wait"; readonly waitMs: number }
  | { readonly kind: "busy" };

/** Who tries a password. */
export type Applicant = LanePatience & {
  readonly address: string;
  /** A program of this machine. */
  readonly isLocal: boolean;
  /** Name of a browser that has logged in before, proven by its cookie; or null. */
  readonly device: string | null;
  /** What a program that sends the password with each request looks like; null for a login page. */
  readonly client: string | null;
};

/** The one way in which a password is tried, whatever it comes in. */
export type Login = { attempt(applicant: Applicant, password: string): Promise<LoginResult> | LoginResult };

type Deps = PasswordCheckDeps &
  Partial<Pick<LaneDeps, "after">> & {
    readonly nowMs: () => number;
    readonly known: KnownLogins;
    readonly log: Log;
  };

/** The network of programs on this machine. */
const thisMachine = "this machine";

/** So many failures are logged at once, then one line in so many ms, with how many there were. */
const linesAtOnce = 20;
const lineMs = 5000;

/** `passwordHash` is argon2id. Failures are logged by address; nothing else of them is. */
export function createLogin(passwordHash: string, deps: Deps): Login {
  const { nowMs, known } = deps;
  const check = createPasswordCheck(passwordHash, deps);
  const lanes = createLoginLanes({ nowMs, after: deps.after ?? systemAfter });
  const tell = createTelling(deps);
  /** What is waiting for its verdict, by who tries what; bounded, as all lanes are. */
  const pending = new Map<string, Promise<LoginResult>>();

  function placeOf({ device, client, address, isLocal }: Applicant): LoginOrigin {
    const network = networkOf(address);
    if (device !== null) return lanes.ofDevice(device);
    if (client !== null && known.hasClient(nameOf(client, network))) return lanes.ofClient(nameOf(client, network));
    if (!isLocal && !known.hasNetwork(network)) return lanes.ofStranger(address);
    const at = isLocal ? thisMachine : network;
    return client === null ? lanes.ofNetwork(at) : lanes.ofProgramAt(at, nameOf(client, network));
  }

  function enter(applicant: Applicant, tried: string, room: Room) {
    const { lane, rank, attempt } = room;
    if (lane === null) return look(applicant, tried, null, room);
    const go = (turn: Awaited<ReturnType<Lane["enter"]>>) => {
      if (turn.ok) return look(applicant, tried, turn, room);
      attempt?.cancel();
      return wait(turn.waitMs);
    };
    const turn = lane.enter(rank, applicant);
    return turn instanceof Promise ? turn.then(go) : go(turn);
  }

  function look(applicant: Applicant, tried: string, turn: LaneTurn | null, { attempt, advisedMs }: Room) {
    const conclude = (verdict: PasswordVerdict): LoginResult => {
      turn?.settle(verdict === "busy" ? null : verdict === "right");
      if (verdict === "busy") attempt?.cancel();
      if (verdict === "busy") return { kind: "busy" };
      if (verdict === "right") {
        attempt?.succeed();
        remember(applicant);
        return { kind: "right" };
      }
      if (advisedMs > 0) return wait(advisedMs);
      tell.failed(applicant.address, attempt?.failures);
      return { kind: "wrong", waitMs: waitAfter(applicant) };
    };
    const giveUp = (error: unknown): never => {
      turn?.settle(null);
      attempt?.cancel();
      throw error;
    };
    const verdict = check.judge(tried);
    return verdict instanceof Promise ? verdict.then(conclude, giveUp) : conclude(verdict);
  }

  /** What somebody who was wrong is told to wait, ms. */
  function waitAfter({ device, client, isLocal, address }: Applicant): number {
    const network = networkOf(address);
    if (device !== null) return lanes.waitMs.ofDevice(device);
    if (!isLocal && !known.hasNetwork(network)) return lanes.waitMs.ofStranger(network);
    if (client !== null) return lanes.waitMs.ofProgram(nameOf(client, network));
    return lanes.waitMs.ofNetwork(isLocal ? thisMachine : network);
  }

  function remember({ address, isLocal, client }: Applicant): void {
    const network = networkOf(address);
    if (!isLocal) known.addNetwork(network);
    if (client !== null) known.addClient(nameOf(client, network));
  }

  function wait(waitMs: number): LoginResult {
    tell.refused();
    return { kind: "wait", waitMs };
  }

  return {
    attempt(applicant, password) {
      const tried = password.slice(0, longestPassword);
      const { device, client, address } = applicant;
      // A program that opens many sockets at once tries once.
      const same = JSON.stringify([device, client, address, tried]);
      const joined = pending.get(same);
      if (joined !== undefined) return joined;
      const place = placeOf(applicant);
      if ("waitMs" in place) return wait(place.waitMs);
      const result = enter(applicant, tried, place);
      if (!(result instanceof Promise)) return result;
      const settled = result.finally(() => pending.delete(same));
      pending.set(same, settled);
      return settled;
    },
  };
}

/** A program is known at the network that it was seen at. */
function nameOf(client: string, network: string): string {
  return `${network} ${client}`;
}

/** Tells of failures in the log, in a bounded number of lines. */
function createTelling({ nowMs, log }: Pick<Deps, "nowMs" | "log">) {
  let room = linesAtOnce;
  let lastMs = nowMs();
  let refused = 0;
  let untold = 0;
  return {
    refused() {
      refused++;
    },
    failed(address: string, inARow: number | undefined) {
      const back = Math.floor((nowMs() - lastMs) / lineMs);
      room = Math.min(linesAtOnce, room + back);
      lastMs += back * lineMs;
      if (room === 0) {
        untold++;
        return;
      }
      room--;
      const counts = { in_a_row: inARow, refused_before: refused, others_failed: untold };
      log.warn("a login failed", { address, ...counts });
      refused = 0;
      untold = 0;
    },
  };
}

function systemAfter(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}
