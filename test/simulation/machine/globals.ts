/**
 * Puts virtual time, randomness, network and threads in the place of the process's own, for as long as a machine is in charge. Import it
 * before anything of the program: what captures a global at load then has the virtual one, which without a machine is the real one.
 */

/** What the program reaches through globals. */
export type Machine = {
  wallMs(): number;
  monotonicMs(): number;
  setTimer(run: () => void, ms: number, repeats: boolean): object;
  clearTimer(timer: object): void;
  random(): number;
  fetch(url: string, signal: AbortSignal | null): Promise<Response>;
  openSocket(url: string): object;
  startWorker(url: string): object;
  /** The calling thread waits, ms. */
  block(ms: number): void;
};

let machine: Machine | null = null;

/** The machine in charge from now on; null: the real one. */
export function useMachine(next: Machine | null): void {
  machine = next;
}

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  clearImmediate: globalThis.clearImmediate,
  fetch: globalThis.fetch,
  WebSocket: globalThis.WebSocket,
  Worker: globalThis.Worker,
  dateNow: Date.now,
  performanceNow: performance.now.bind(performance),
  random: Math.random,
  sleep: Bun.sleep,
  sleepSync: Bun.sleepSync,
  memoryUsage: process.memoryUsage,
  randomUUID: crypto.randomUUID.bind(crypto),
  getRandomValues: crypto.getRandomValues.bind(crypto),
  cpuUsage: process.cpuUsage,
};

/** The real clock, for those who measure the simulator itself, ms. */
export const realNowMs = real.performanceNow;

/** CPU time of this process so far, ms. */
export function realCpuMs(): number {
  const { user, system } = real.cpuUsage();
  return (user + system) / 1000;
}

/** The real event loop's next turn, outside of any simulation. */
export function realTurn(): Promise<void> {
  return new Promise((resolve) => real.setImmediate(resolve));
}

type Run = (...values: unknown[]) => void;

function timers(repeats: boolean, fallback: (run: Run, ms?: number, ...values: unknown[]) => unknown) {
  return (run: Run, ms = 0, ...values: unknown[]) =>
    machine === null
      ? fallback(run, ms, ...values)
      : machine.setTimer(() => run(...values), typeof ms === "number" && ms > 0 ? ms : repeats ? 1 : 0, repeats);
}

function clearing(fallback: (timer: never) => void) {
  return (timer: unknown) => {
    if (machine === null) fallback(timer as never);
    else if (typeof timer === "object" && timer !== null) machine.clearTimer(timer);
  };
}

function VirtualSocket(url: string, options: unknown): object {
  return machine === null ? new real.WebSocket(url, options as string[]) : machine.openSocket(url);
}

function VirtualWorker(url: string, options: WorkerOptions): object {
  return machine === null ? new real.Worker(url, options) : machine.startWorker(url);
}

const memory = { rss: 1e8, heapTotal: 5e7, heapUsed: 4e7, external: 1e7, arrayBuffers: 1e7 };

Object.assign(globalThis, {
  setTimeout: timers(false, real.setTimeout as never),
  setInterval: timers(true, real.setInterval as never),
  setImmediate: (run: Run, ...values: unknown[]) =>
    machine === null ? real.setImmediate(run, ...values) : machine.setTimer(() => run(...values), 0, false),
  clearTimeout: clearing(real.clearTimeout as never),
  clearInterval: clearing(real.clearInterval as never),
  clearImmediate: clearing(real.clearImmediate as never),
  fetch: Object.assign(
    (url: string, options?: RequestInit) =>
      machine === null ? real.fetch(url, options) : machine.fetch(String(url), options?.signal ?? null),
    { preconnect: real.fetch.preconnect },
  ),
  WebSocket: Object.assign(VirtualSocket, { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 }),
  Worker: VirtualWorker,
});
Date.now = () => machine?.wallMs() ?? real.dateNow();
performance.now = () => machine?.monotonicMs() ?? real.performanceNow();
Math.random = () => machine?.random() ?? real.random();
Bun.sleep = ((ms: number | Date) =>
  machine === null
    ? real.sleep(ms)
    : new Promise<void>((resolve) => machine?.setTimer(resolve, Number(ms), false))) as typeof Bun.sleep;
Bun.sleepSync = (ms) => (machine === null ? real.sleepSync(ms) : machine.block(ms));
process.memoryUsage = Object.assign(() => (machine === null ? real.memoryUsage() : memory), {
  rss: () => (machine === null ? real.memoryUsage.rss() : memory.rss),
});
crypto.randomUUID = () => {
  const hex = (digits: number) =>
    Array.from({ length: digits }, () => Math.floor(Math.random() * 16).toString(16)).join("");
  return machine === null ? real.randomUUID() : `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
};
const getRandomValues = <T extends ArrayBufferView | null>(target: T): T => {
  if (machine === null) return real.getRandomValues(target as never) as T;
  const bytes = target === null ? [] : new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(Math.random() * 256);
  return target;
};
crypto.getRandomValues = getRandomValues as typeof crypto.getRandomValues;
/** Files contain it, so that its number of digits would matter. */
Object.defineProperty(process, "pid", { value: 4242 });
process.cpuUsage = (before) => (machine === null ? real.cpuUsage(before) : { user: 0, system: 0 });
