import type { BookSide } from "./book-side.ts";
import type { Quantities } from "./quantity.ts";
import type { Random } from "./random.ts";
import type { SymbolProfile } from "./symbol-profile.ts";
import type { TradeTape } from "./trade-tape.ts";

/** The crowd that trades one symbol. */
export type OrderFlow = {
  /** Applies one tick of orders, cancels and trades to the book. On quiet symbols many ticks are empty. */
  tick(): void;
};

/** What the flow acts on: every change goes through `set`, which counts one update id. */
export type OrderFlowBook = {
  readonly bids: BookSide;
  readonly asks: BookSide;
  set(side: BookSide, tick: number, lots: number): void;
  /** Whether anything was set in this tick. */
  touched(): boolean;
};

/** Levels near the best, within which most things happen; partial depth shows at most 20. */
const near = 20;
/** Log-normal swing of activity: a busy second has a hundred times the updates of a calm second. */
const swing = 1.15;
/** Mean size of a price move at pace 1, as a share of the price; slower symbols move as far in a day, in fewer steps. */
const moveShare = 0.75e-4;

/**
 * Orders with a memory: levels are added, taken back and requoted near the best and far away, market orders eat the best
 * levels, now and then the price moves by several levels and the other side follows. Activity comes in clusters.
 */
export function createOrderFlow(
  options: { profile: SymbolProfile; levels: number },
  deps: { book: OrderFlowBook; tape: TradeTape; quantities: Quantities; random: Random },
): OrderFlow {
  const { profile } = options;
  const { book, tape, quantities, random } = deps;
  const startTick = Math.round(profile.price * 10 ** profile.tickDecimals);
  const recent: { side: BookSide; tick: number; lots: number }[] = [];
  const born: { side: BookSide; tick: number }[] = [];
  let mood = 0;
  let burst = 0;
  let trend = 0;

  const opposite = (side: BookSide) => (side === book.bids ? book.asks : book.bids);
  const outward = (side: BookSide) => (side === book.bids ? -1 : 1);
  const bestTick = (side: BookSide) => side.at(0)?.tick ?? startTick;

  /** Whether a level may be placed here without crossing. */
  function fits(side: BookSide, tick: number): boolean {
    return tick > 0 && (tick - bestTick(opposite(side))) * outward(side) > 0;
  }

  function place(side: BookSide, tick: number, lots: number): void {
    if (fits(side, tick)) book.set(side, tick, lots);
  }

  function birth(side: BookSide): void {
    const again = recent.length > 0 && random.chance(0.3) ? recent[random.below(recent.length)] : undefined;
    if (again !== undefined && again.side === side && side.rankOf(again.tick) < near) {
      if (side.lotsAt(again.tick) === 0) {
        place(side, again.tick, again.lots);
        return;
      }
    }
    const beside = random.chance(0.22) ? side.at(random.below(Math.min(near, side.size()))) : undefined;
    const distance = 1 + Math.floor(random.next() * near * profile.gap);
    const tick = beside === undefined ? bestTick(side) + outward(side) * distance : beside.tick + outward(side);
    if (side.lotsAt(tick) > 0) {
      book.set(side, tick, quantities.resting());
      return;
    }
    place(side, tick, quantities.resting());
    remember(born, { side, tick }, 16);
  }

  function death(side: BookSide): void {
    const young = born.length > 0 && random.chance(0.5) ? born.pop() : undefined;
    const rank =
      young !== undefined && young.side === side && side.lotsAt(young.tick) > 0
        ? side.rankOf(young.tick)
        : 1 + random.below(near);
    const level = side.at(rank);
    if (level === undefined || side.size() < 3) return;
    remember(recent, { side, tick: level.tick, lots: level.lots }, 24);
    book.set(side, level.tick, 0);
  }

  /** Levels within the near window drift back to `near` of them. */
  function restructure(side: BookSide): void {
    const window = bestTick(side) + outward(side) * Math.ceil(near * profile.gap);
    const crowd = side.rankOf(window) / near;
    if (random.chance(crowd > 1 ? 0.5 + 0.5 * Math.min(1, crowd - 1) : 0.5 * crowd)) death(side);
    else birth(side);
  }

  function changeBest(side: BookSide): void {
    const best = side.at(0);
    if (best === undefined) return;
    const usual = profile.restingLots * 28;
    const size = quantities.resting() * (random.chance(0.3) ? 4 : 1);
    const grows = random.chance(best.lots < usual ? 0.62 : 0.38);
    book.set(side, best.tick, grows ? best.lots + size : Math.max(1, best.lots - size));
  }

  function requote(side: BookSide): void {
    const level = side.at(1 + random.below(near - 1));
    if (level !== undefined) book.set(side, level.tick, quantities.resting());
  }

  /** Beyond the near window every region drifts to the density that its distance has. */
  function farAway(side: BookSide): void {
    const nearby = near * profile.gap;
    const deepest = side.at(side.size() - 1)?.tick ?? startTick;
    const reach = Math.log(Math.max(3, (1.2 * Math.abs(deepest - bestTick(side))) / nearby));
    const distance = Math.round(nearby * Math.exp(random.next() ** 2 * reach));
    const target = bestTick(side) + outward(side) * distance;
    const rank = Math.max(near + 1, side.rankOf(target));
    const level = side.at(rank);
    const inner = side.at(rank - 1);
    if (level === undefined || inner === undefined) place(side, target, quantities.resting());
    else if (Math.abs(level.tick - inner.tick) > profile.gap * gapGrowth(rank))
      place(side, target, quantities.resting());
    else book.set(side, level.tick, random.chance(0.75) ? 0 : quantities.resting());
  }

  /** The resting orders that an order of this size meets. */
  function split(lots: number): number[] {
    const parts: number[] = [];
    let left = lots;
    for (let n = random.count(2.2); n > 1 && left > 1; n--) {
      const part = 1 + random.below(Math.max(1, Math.floor((2 * left) / n) - 1));
      parts.push(Math.min(part, left - 1));
      left -= Math.min(part, left - 1);
    }
    parts.push(left);
    return parts;
  }

  /** A market order against the best of `side` that leaves something of it. */
  function take(side: BookSide): void {
    const best = side.at(0);
    if (best === undefined || best.lots < 2) return;
    const lots = Math.min(best.lots - 1, quantities.taken());
    tape.begin();
    tape.fill(best.tick, split(lots), side === book.bids);
    book.set(side, best.tick, best.lots - lots);
  }

  /** The price moves into `side`: its levels within the distance are cancelled or eaten, and the other side moves up. */
  function move(side: BookSide, ticks: number): void {
    const other = opposite(side);
    const target = bestTick(side) + outward(side) * ticks;
    tape.begin();
    while (side.size() > near) {
      const level = side.at(0);
      if (level === undefined || (level.tick - target) * outward(side) > 0) break;
      if (random.chance(0.6))
        tape.fill(level.tick, split(Math.min(level.lots, quantities.taken())), side === book.bids);
      remember(recent, { side, tick: level.tick, lots: level.lots }, 24);
      book.set(side, level.tick, 0);
    }
    const from = bestTick(other);
    const span = Math.abs(bestTick(side) - from) - 1;
    const followers = Math.min(near, Math.round((span / profile.gap) * (0.3 + 0.5 * random.next())));
    for (let i = 0; i < followers; i++)
      place(other, from + outward(side) * (1 + random.below(span)), quantities.resting());
  }

  /** Now and then the price moves; the larger the step of a tick, the more rarely. */
  function wander(activity: number): void {
    const usual = (moveShare * bestTick(book.bids)) / Math.sqrt(Math.min(1, profile.pace));
    const chance = 1 - Math.exp(-profile.moves * activity);
    if (!random.chance(chance * Math.min(1, (usual / 1.5) ** 2))) return;
    const pull = Math.log(bestTick(book.bids) / startTick);
    const down = random.chance(0.5 - trend + Math.max(-0.2, Math.min(0.2, pull)));
    const ticks = Math.max(1, usual) * random.exponential() * Math.exp(0.45 * random.normal() + 0.25 * burst);
    move(down ? book.bids : book.asks, Math.floor(ticks));
  }

  /** Makers close a spread that has opened. */
  function closeSpread(): void {
    if (bestTick(book.asks) - bestTick(book.bids) <= 1 || random.chance(0.06)) return;
    const side = random.chance(0.5 + 0.4 * Math.sign(trend)) ? book.bids : book.asks;
    place(side, bestTick(opposite(side)) + outward(side), 3 * quantities.resting() + profile.restingLots * 4);
  }

  function trim(side: BookSide): void {
    while (side.size() > options.levels) book.set(side, (side.at(side.size() - 1) as { tick: number }).tick, 0);
  }

  return {
    tick() {
      mood = 0.98 * mood + 0.2 * random.normal();
      burst = 0.6 * burst + 0.8 * random.normal();
      const z = swing * (0.6 * mood + 0.8 * burst);
      const activity = profile.pace * Math.exp(z - (swing * swing) / 2);
      const calm = Math.sqrt(activity * profile.pace);
      trend = 0.97 * trend + 0.05 * random.normal();
      for (const side of [book.bids, book.asks]) {
        if (random.chance(1 - Math.exp(-2.2 * calm))) {
          for (let i = random.poisson(profile.structure * calm); i > 0; i--) restructure(side);
          for (let i = random.poisson(profile.requotes * activity); i > 0; i--) requote(side);
        }
        for (let i = random.poisson(1.8 * calm); i > 0; i--) changeBest(side);
        for (let i = random.poisson(7 * activity + 3 * calm); i > 0; i--) farAway(side);
      }
      for (let i = random.poisson(profile.takers * activity); i > 0; i--)
        take(random.chance(0.5 - trend) ? book.bids : book.asks);
      wander(activity);
      if (book.touched()) closeSpread();
      for (const side of [book.bids, book.asks]) trim(side);
    },
  };
}

/** How much wider than near the best the gaps between levels are at a rank. */
export function gapGrowth(rank: number): number {
  return rank < 25 ? 1 : 1 + (rank - 25) / 10;
}

function remember<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}
