import type { MarketEvent, MarketListeners } from "./market-source.ts";
import type { Session } from "./socket-session.ts";

/** A data frame on its way to one client. */
export type Frame = {
  readonly stream: string;
  /** The payload as the source gave it. */
  readonly payload: string;
  /** Text on the wire: the payload, wrapped or not, in the client's time unit. */
  readonly text: string | Uint8Array;
  /** Kind of the fault that spoiled this frame, so that it is not data any more. */
  readonly fault?: string;
};

/** Hands batches to those who subscribed; each text is made once, however many sockets take it. */
export type FrameDelivery = Pick<MarketListeners, "wants"> & {
  add(session: Session, streams: readonly string[]): void;
  remove(session: Session, streams: Iterable<string>): void;
  /** Calls `send` once for each session that has frames in this batch, with its frames in the batch's order. */
  deliver(events: readonly MarketEvent[], send: (session: Session, frames: readonly Frame[]) => void): void;
};

/** Creates the table of who listens to what. */
export function createDelivery(): FrameDelivery {
  const audience = new Map<string, Set<Session>>();

  return {
    wants: (stream) => audience.has(stream),
    add(session, streams) {
      for (const stream of streams) {
        const sessions = audience.get(stream);
        if (sessions === undefined) audience.set(stream, new Set([session]));
        else sessions.add(session);
      }
    },
    remove(session, streams) {
      for (const stream of streams) {
        const sessions = audience.get(stream);
        sessions?.delete(session);
        if (sessions?.size === 0) audience.delete(stream);
      }
    },
    deliver(events, send) {
      const outgoing = new Map<Session, Frame[]>();
      for (const event of events) {
        const { concerns } = event;
        const sessions = audience.get(concerns ?? event.stream);
        if (sessions === undefined) continue;
        // Most streams have one reader, so its frame is not shared.
        const forms: (Frame | undefined)[] | null = sessions.size > 1 ? [] : null;
        for (const session of sessions) {
          if (concerns !== undefined && !session.combined) continue;
          const form = (session.combined ? 1 : 0) + (session.microseconds ? 2 : 0);
          const frame = forms?.[form] ?? createFrame(event, session.combined, session.microseconds);
          if (forms !== null) forms[form] = frame;
          const frames = outgoing.get(session);
          if (frames === undefined) outgoing.set(session, [frame]);
          else frames.push(frame);
        }
      }
      for (const [session, frames] of outgoing) send(session, frames);
    },
  };
}

const wrappers = new Map<string, string>();
const mostWrappers = 10_000;

/** `{"stream":"btcusdt@aggTrade","data":` */
function wrapperOf(stream: string): string {
  let wrapper = wrappers.get(stream);
  if (wrapper === undefined) {
    if (wrappers.size >= mostWrappers) wrappers.clear();
    wrapper = `{"stream":${JSON.stringify(stream)},"data":`;
    wrappers.set(stream, wrapper);
  }
  return wrapper;
}

function createFrame(event: MarketEvent, combined: boolean, microseconds: boolean): Frame {
  const { stream, payload } = event;
  const timed = microseconds ? payload.replace(/"([ET])":(\d{13})(?=[,}])/g, '"$1":$2000') : payload;
  return { stream, payload, text: combined ? `${wrapperOf(stream)}${timed}}` : timed };
}
