import { acceptedTimes, formatTime, parseTime } from "../../platform/time/time-parser.ts";

/** State and position of a replay. */
export type PlayReport = {
  /** Waiting for a reader, playing, paused by request, or at its end. */
  readonly state: "waiting" | "playing" | "paused" | "ended";
  /** Recorded time, µs. */
  readonly positionUs: number;
  readonly speed: number | "max";
  /** Range that is played, µs; the end is null while it is unknown. */
  readonly fromUs: number;
  readonly toUs: number | null;
  /** Messages played. */
  readonly messages: number;
};

/** Controls a replay while it runs. */
export type PlayControl = {
  playReport(): PlayReport;
  pause(): void;
  resume(): void;
  setSpeed(speed: number | "max"): void;
  /** Goes on from this recorded time (µs), before or after the present one. */
  seek(us: number): { readonly outcome: "moved" | "ended" | "outside" };
};

/** Bounds of `--speed` and of `/replay/speed`. */
export const slowest = 0.01;
export const fastest = 10_000;

/** Parses a speed: `max`, or a factor of real time; null if `text` is neither. */
export function parseSpeed(text: string): number | "max" | null {
  if (text === "max") return "max";
  const speed = Number(text);
  return text.trim() !== "" && speed >= slowest && speed <= fastest ? speed : null;
}

/** What `parseSpeed` takes, for error messages. */
export const acceptedSpeeds = `a number from ${slowest} to ${fastest}, or max`;

/**
 * Answers `GET /replay` and `POST /replay/pause`, `/replay/resume`, `/replay/seek?to=…` and `/replay/speed?value=…` with where the
 * replay is; null for any other path. `control` is null for a market that cannot be moved.
 */
export function createReplayControl(
  control: PlayControl | null,
  counts: () => { clients: number; sent: number },
): (request: Request) => Response | null {
  function report(from: PlayControl): Response {
    const { state, positionUs, speed, fromUs, toUs, messages } = from.playReport();
    const share = toUs === null ? null : Math.min(1, Math.max(0, (positionUs - fromUs) / Math.max(1, toUs - fromUs)));
    return Response.json({
      state,
      position: formatTime(positionUs),
      position_us: Math.round(positionUs),
      progress: state === "ended" ? 1 : share,
      speed,
      paused: state === "paused",
      range: { from: formatTime(fromUs), to: toUs === null ? null : formatTime(toUs) },
      messages,
      ...counts(),
    });
  }

  function seek(of: PlayControl, parameters: URLSearchParams): Response {
    // In a query a plus sign means a space.
    const text = (parameters.get("to") ?? "").replace(/(T.*) (\d\d:?\d\d)$/, "$1+$2");
    const us = parseTime(text);
    if (us === null) return refuse(400, "bad_time", `"${text}" is no time; give to=${acceptedTimes}`);
    const { outcome } = of.seek(us);
    if (outcome === "ended")
      return refuse(409, "ended", "The replay has come to its end and cannot be moved any more.");
    if (outcome === "outside") {
      const { fromUs, toUs } = of.playReport();
      const range = `from ${formatTime(fromUs)}${toUs === null ? "" : ` up to ${formatTime(toUs)}`}`;
      return refuse(400, "outside_range", `${text} is outside the range that is played: ${range}`);
    }
    return report(of);
  }

  function setSpeed(of: PlayControl, parameters: URLSearchParams): Response {
    const text = parameters.get("value") ?? "";
    const speed = parseSpeed(text);
    if (speed === null) return refuse(400, "bad_speed", `"${text}" is no speed; give value=${acceptedSpeeds}`);
    of.setSpeed(speed);
    return report(of);
  }

  return (request) => {
    const { pathname, searchParams, host } = new URL(request.url);
    if (pathname !== "/replay" && !pathname.startsWith("/replay/")) return null;
    if (control === null)
      return refuse(409, "invented_market", "An invented market has no position; replay a recording.");
    const action = pathname.slice("/replay/".length);
    if (pathname === "/replay") {
      return request.method === "GET"
        ? report(control)
        : refuse(405, "method_not_allowed", "Use GET.", { allow: "GET" });
    }
    if (!["pause", "resume", "seek", "speed"].includes(action)) {
      return refuse(
        404,
        "not_found",
        "There are /replay, /replay/pause, /replay/resume, /replay/seek and /replay/speed.",
      );
    }
    if (request.method !== "POST") return refuse(405, "method_not_allowed", "Use POST.", { allow: "POST" });
    // A page of somebody else's in a browser on this machine may not steer.
    const origin = request.headers.get("origin");
    if (origin !== null && (!URL.canParse(origin) || new URL(origin).host !== host)) {
      return refuse(403, "foreign_origin", "Pages of other sites may not steer the replay.");
    }
    if (action === "seek") return seek(control, searchParams);
    if (action === "speed") return setSpeed(control, searchParams);
    if (action === "pause") control.pause();
    else control.resume();
    return report(control);
  };
}

function refuse(status: number, code: string, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error: { code, message } }, { status, headers });
}
