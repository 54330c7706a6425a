/** The time of a recording that is being played. */
export type PlayClock = {
  /** Recorded time that has come, µs. */
  positionUs(): number;
  /** Real ms until a message received at this recorded time is due, 0 if it is; Infinity while time stands still. */
  msUntil(recvUs: number): number;
  /** Reports that a message of this time is played now; a clock that ran too far ahead waits for it. */
  reached(recvUs: number): void;
  /** It is now this recorded time. */
  jump(recvUs: number): void;
  /** The three reasons why time stands still: no listener, a request to pause, a reader that lags. */
  setHeard(heard: boolean): void;
  setPaused(paused: boolean): void;
  setHeld(held: boolean): void;
  setSpeed(speed: number | "max"): void;
  readonly paused: boolean;
  readonly heard: boolean;
  readonly speed: number | "max";
  /** Wall clock minus recorded time for a message received then, ms: constant at speed 1, as long as time does not stand still. */
  shiftMs(recvUs: number): number;
};

/** If messages are later than this, in real ms, the clock is set back to the message that is played. */
const mostLateMs = 1000;

/** Recorded time runs `speed` times as fast as real time, while it is heard, not paused and not held. */
export function createPlayClock(
  initialSpeed: number | "max",
  now: () => number = () => performance.now(),
  wallMs: () => number = Date.now,
): PlayClock {
  let speed = normalSpeed(initialSpeed);
  let heard = false;
  let paused = false;
  let held = false;
  /** Recorded time at the moment `since`, which was `sinceWallMs`. */
  let anchorUs = 0;
  let since = now();
  let sinceWallMs = wallMs();

  const isRunning = () => heard && !paused && !held;

  function positionUs(): number {
    return isRunning() && speed !== "max" ? anchorUs + (now() - since) * 1000 * speed : anchorUs;
  }

  function anchor(us: number): void {
    anchorUs = us;
    since = now();
    sinceWallMs = wallMs();
  }

  return {
    positionUs,
    msUntil(recvUs) {
      if (!isRunning()) return Number.POSITIVE_INFINITY;
      return speed === "max" ? 0 : Math.max(0, (recvUs - positionUs()) / 1000 / speed);
    },
    reached(recvUs) {
      if (speed === "max") anchorUs = recvUs;
      else if ((positionUs() - recvUs) / 1000 / speed > mostLateMs) anchor(recvUs);
    },
    jump: anchor,
    setHeard(value) {
      if (value === heard) return;
      anchor(positionUs());
      heard = value;
    },
    setPaused(value) {
      if (value === paused) return;
      anchor(positionUs());
      paused = value;
    },
    setHeld(value) {
      if (value === held) return;
      anchor(positionUs());
      held = value;
    },
    setSpeed(value) {
      anchor(positionUs());
      speed = normalSpeed(value);
    },
    get paused() {
      return paused;
    },
    get heard() {
      return heard;
    },
    get speed() {
      return speed;
    },
    shiftMs(recvUs) {
      if (speed === "max") return wallMs() - recvUs / 1000;
      return sinceWallMs + (recvUs - anchorUs) / 1000 / speed - recvUs / 1000;
    },
  };
}

function normalSpeed(speed: number | "max"): number | "max" {
  return speed === Number.POSITIVE_INFINITY ? "max" : speed;
}
