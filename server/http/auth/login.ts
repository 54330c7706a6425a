import type { Log } from "../../platform/log/log.ts";
import { longestPassword } from "../../platform/password-hash.ts";
import type { KnownLogins } from "./lanes/known-logins.ts";
import type { Lane, LaneDeps, LanePatience, LaneTurn } from "./lanes/lane.ts";
import { createLoginLanes, type LoginOrigin, type Room } from "./lanes/login-lanes.ts";
import { networkOf } from "./lanes/network.ts";
import { createPasswordCheck, type PasswordCheckDeps, type PasswordVerdict } from "./password-check.ts";

/** The result of a login attempt. */
export type LoginResult =
  | { readonly kind: "right" }
  | { readonly kind: "wrong"; readonly waitMs: number }
  | { readonly kind: "wait"; readonly waitMs: number }
  | { readonly kind: "busy" };

/** Who tries a password. */
export type Applicant = LanePatience & {
  readonly address: string;
  /** The sender is a program on this machine. */
  readonly isLocal: boolean;
  /** Name of a known browser, proven by its device cookie; or null. */
  readonly device: string | null;
  /** User name and user agent of a program that sends the password with each request; null for the login page. */
  readonly client: string | null;
};

/** Checks every password, from the login page or from a header. */
export type Login = { attempt(applicant: Applicant, password: string): Promise<LoginResult> | LoginResult };

type Deps = PasswordCheckDeps &
  Partial<Pick<LaneDeps, "after">> & {
    readonly nowMs: () => number;
    readonly known: KnownLogins;
    readonly log: Log;
  };

/** Network name for programs on this machine. */
const thisMachine = "this machine";

/** Upper bound for log lines: `linesAtOnce` failures at once, then a line every `lineMs` with counts of the others. */
const linesAtOnce = 20;
const lineMs = 5000;

/** Creates the login for an argon2id `passwordHash`. The log names only the address of a failed attempt. */
export function createLogin(passwordHash: string, deps: Deps): Login {
  const { nowMs, known } = deps;
  const passwordCheck = createPasswordCheck(passwordHash, deps);
  const lanes = createLoginLanes({ nowMs, after: deps.after ?? systemAfter });
  const failureLog = createFailureLog(deps);
  /** Attempts without a verdict, by sender and password. The queues of the lanes bound it. */
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
    if (lane === null) return check(applicant, tried, null, room);
    const go = (turn: Awaited<ReturnType<Lane["enter"]>>) => {
      if (turn.ok) return check(applicant, tried, turn, room);
      attempt?.cancel();
      return wait(turn.waitMs);
    };
    const turn = lane.enter(rank, applicant);
    return turn instanceof Promise ? turn.then(go) : go(turn);
  }

  function check(applicant: Applicant, tried: string, turn: LaneTurn | null, { attempt, advisedMs }: Room) {
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
      failureLog.onWrong(applicant.address, attempt?.failures);
      return { kind: "wrong", waitMs: waitAfter(applicant) };
    };
    const giveUp = (error: unknown): never => {
      turn?.settle(null);
      attempt?.cancel();
      throw error;
    };
    const verdict = passwordCheck.check(tried);
    return verdict instanceof Promise ? verdict.then(conclude, giveUp) : conclude(verdict);
  }

  /** Returns the wait in ms that a wrong password causes. */
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
    failureLog.onRefused();
    return { kind: "wait", waitMs };
  }

  return {
    attempt(applicant, password) {
      const tried = password.slice(0, longestPassword);
      const { device, client, address } = applicant;
      // Parallel requests of a program share one attempt.
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

/** Names a program. It is known only in the network where it was seen. */
function nameOf(client: string, network: string): string {
  return `${network} ${client}`;
}

/** Logs failed logins in a bounded number of lines. */
function createFailureLog({ nowMs, log }: Pick<Deps, "nowMs" | "log">) {
  let room = linesAtOnce;
  let lastMs = nowMs();
  let refused = 0;
  let unlogged = 0;
  return {
    onRefused() {
      refused++;
    },
    onWrong(address: string, inARow: number | undefined) {
      const back = Math.floor((nowMs() - lastMs) / lineMs);
      room = Math.min(linesAtOnce, room + back);
      lastMs += back * lineMs;
      if (room === 0) {
        unlogged++;
        return;
      }
      room--;
      const counts = { in_a_row: inARow, refused_before: refused, others_failed: unlogged };
      log.warn("login failed", { address, ...counts });
      refused = 0;
      unlogged = 0;
    },
  };
}

function systemAfter(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}
