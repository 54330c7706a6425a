/** A seeded source of chance: the same seed gives the same sequence everywhere. */
export type Random = {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform integer in [0, n). */
  below(n: number): number;
  /** True with probability `p`. */
  chance(p: number): boolean;
  /** Normal, mean 0, deviation 1. */
  normal(): number;
  /** Exponential with mean 1. */
  exponential(): number;
  /** Poisson with this mean. */
  poisson(mean: number): number;
  /** Geometric count from 1, with this mean (at least 1). */
  count(mean: number): number;
};

/** The generator sfc32 (Chris Doty-Humphrey, public domain), seeded by a number and a name. */
export function createRandom(seed: number, name: string): Random {
  let a = hash(name, seed | 0);
  let b = hash(name, a);
  let c = hash(name, b);
  let counter = 1;
  let spare: number | null = null;

  function next(): number {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 4294967296;
  }
  for (let i = 0; i < 16; i++) next();

  const random: Random = {
    next,
    below: (n) => Math.floor(next() * n),
    chance: (p) => next() < p,
    normal() {
      if (spare !== null) {
        const value = spare;
        spare = null;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - next()));
      const angle = 2 * Math.PI * next();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    exponential: () => -Math.log(1 - next()),
    poisson(mean) {
      if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
      const limit = Math.exp(-mean);
      let n = 0;
      for (let product = next(); product > limit; product *= next()) n += 1;
      return n;
    },
    count(mean) {
      return mean <= 1 ? 1 : 1 + Math.floor(Math.log(1 - next()) / Math.log(1 - 1 / mean));
    },
  };
  return random;
}

/** 32-bit hash of a text (FNV-1a with a final mix), for seeds and derived properties. */
export function hash(text: string, seed = 0): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
