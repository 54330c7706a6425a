import { createRandom } from "../market/random.ts";
import type { Frame } from "../protocol/frames.ts";
import { createConnectionFault } from "./connection-faults.ts";
import { type CompleteFault, completeFault, type Fault } from "./fault.ts";
import { createFaultScope } from "./fault-scope.ts";
import { changeFrame } from "./frame-change.ts";
import { createLate, createReorder, createStall } from "./held-frames.ts";
import { createHooks, type Effect, type FaultHooks, type FaultTarget } from "./hooks.ts";
import { createHttpFault } from "./http-faults.ts";
import { createIdShift } from "./id-shift.ts";

/** A fault that was begun. */
export type FaultHandle = {
  /** Ends the fault: frames held back go out, ports and symbols come back. Idempotent. */
  end(): void;
  /** How many frames, connections or requests it has hit so far. */
  hits(): number;
};

/** A frame that went out as no data of its stream: unreadable, binary, or wrongly wrapped. */
export type SpoiledFrame = {
  readonly connection: number;
  readonly stream: string;
  readonly kind: string;
  readonly text: string | Uint8Array;
};

/** Faults of one exchange, shared by `createSimulatedExchange` and the code that begins and ends faults. */
export type Faults = {
  begin(fault: Fault): FaultHandle;
  /** Called by the exchange while it works. */
  readonly hooks: FaultHooks;
  /** Called by the exchange: gives the faults access to it. */
  attach(exchange: FaultTarget): void;
  /** Called by the exchange after a spoiled frame was sent. */
  reportSpoiled(frame: SpoiledFrame): void;
};

/**
 * Creates faults for one exchange. Faults add up; frames pass them in the order in which they were begun. The seed determines
 * the frames that a `share` picks. An exchange cannot fake a name that does not resolve: give the client such a name.
 */
export function createFaults(options: { seed?: number; onSpoiled?: (frame: SpoiledFrame) => void } = {}): Faults {
  const hooks = createHooks();
  const effects: Effect[] = [];
  let target: FaultTarget | null = null;
  let begun = 0;

  function begin(asked: Fault): FaultHandle {
    if (target === null) throw new Error(`the fault "${asked.kind}" was begun before there was an exchange`);
    const fault = completeFault(asked);
    begun += 1;
    let hits = 0;
    const onHit = () => {
      hits += 1;
    };
    const aim = createFaultScope(fault, createRandom(options.seed ?? 1, `${begun} ${fault.kind}`));
    if (fault.kind === "id-back" || fault.kind === "id-hole") {
      hooks.ids ??= createIdShift();
      hooks.ids.add(fault.symbol, fault.kind === "id-back" ? -fault.by : fault.by, onHit);
      return { end: () => {}, hits: () => hits };
    }
    const other = createConnectionFault(fault, target, onHit) ?? createHttpFault(fault, onHit);
    const effect: Effect =
      other ?? createFrameFault(fault, aim, (connection, frames) => passOn(effect, connection, frames));
    effects.push(effect);
    refresh();
    return {
      end() {
        if (!effects.includes(effect)) return;
        effect.end?.();
        effects.splice(effects.indexOf(effect), 1);
        refresh();
      },
      hits: () => hits + aim.count(),
    };
  }

  /** Hooks are null unless somebody wants them, so that a healthy exchange pays for one comparison. */
  function refresh(): void {
    const some = (name: keyof Effect) => effects.some((effect) => effect[name] !== undefined);
    hooks.frames = some("pass") ? (connection, frames) => passFrom(0, connection, frames) : null;
    hooks.muted = some("mutes") ? (connection) => effects.some((effect) => effect.mutes?.(connection) === true) : null;
    hooks.opened = some("opened") ? (connection) => each((effect) => effect.opened?.(connection)) : null;
    hooks.closed = some("closed") ? (connection) => each((effect) => effect.closed?.(connection)) : null;
    hooks.connect = some("connect") ? connect : null;
    hooks.rest = some("rest") ? rest : null;
    hooks.clockOffsetMs = effects.reduce((sum, effect) => sum + (effect.clockOffsetMs ?? 0), 0);
  }

  function each(act: (effect: Effect) => void): void {
    for (const effect of [...effects]) act(effect);
  }

  function passFrom(first: number, connection: number, frames: readonly Frame[]): readonly Frame[] {
    let passing = frames;
    for (const effect of effects.slice(first)) {
      if (effect.pass !== undefined && passing.length > 0) passing = effect.pass(connection, passing);
    }
    return passing;
  }

  function passOn(effect: Effect, connection: number, frames: readonly Frame[]): void {
    target?.send(connection, passFrom(effects.indexOf(effect) + 1, connection, frames));
  }

  async function connect(connection: number): Promise<Response | null> {
    for (const effect of [...effects]) {
      const refused = (await effect.connect?.(connection)) ?? null;
      if (refused !== null) return refused;
    }
    return null;
  }

  function rest(url: URL): Response | null {
    for (const effect of effects) {
      const refused = effect.rest?.(url) ?? null;
      if (refused !== null) return refused;
    }
    return null;
  }

  return {
    begin,
    hooks,
    attach(exchange) {
      target = exchange;
    },
    reportSpoiled: (frame) => options.onSpoiled?.(frame),
  };
}

function createFrameFault(
  fault: CompleteFault,
  aim: ReturnType<typeof createFaultScope>,
  release: (connection: number, frames: readonly Frame[]) => void,
): Effect {
  if (fault.kind === "stall") return createStall(aim, release);
  if (fault.kind === "late") return createLate(aim, fault.delay_ms, release);
  if (fault.kind === "reorder") return createReorder(aim, release);
  const change = (connection: number, frame: Frame): readonly Frame[] => {
    if (!aim.covers(connection, frame.stream)) return [frame];
    const changed = changeFrame(fault, frame);
    return changed !== null && aim.hits(connection, frame.stream) ? changed : [frame];
  };
  const pass = (connection: number, frames: readonly Frame[]) => frames.flatMap((frame) => change(connection, frame));
  if (fault.kind !== "silent-no-pings") return { pass };
  return { pass, mutes: (connection) => fault.connection === null || fault.connection === connection };
}
