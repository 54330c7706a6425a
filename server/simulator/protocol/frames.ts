import type { MarketEvent, MarketListeners } from "./market-source.ts";
import type { Session } from "./socket-session.ts";
import { type TimeWriter, timesOfStream } from "./time-unit.ts";

/** A data frame on its way to one client. */
export type Frame = {
  readonly stream: string;
  /** The payload in the client's time unit. */
  readonly payload: string;
  /** Text on the wire: the payload, wrapped or not. */
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

/** Creates the table of who listens to what. `inventsTimes`: as in `MarketSource`. */
export function createDelivery(inventsTimes: boolean): FrameDelivery {
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
          const form = (session.combined ? 1 : 0) + 2 * units.indexOf(session.timeUnit);
          const frame = forms?.[form] ?? createFrame(event, session, inventsTimes);
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

/** Units that clients ask for. */
const units = [null, "ms", "us"] as const;

/** How frames of a stream are written. `wrapper`: `{"stream":"btcusdt@aggTrade","data":`. */
type StreamForm = { readonly wrapper: string; readonly times: TimeWriter | null };

const streamForms = new Map<string, StreamForm>();
const mostStreamForms = 10_000;

function formOf(stream: string): StreamForm {
  let form = streamForms.get(stream);
  if (form === undefined) {
    if (streamForms.size >= mostStreamForms) streamForms.clear();
    form = { wrapper: `{"stream":${JSON.stringify(stream)},"data":`, times: timesOfStream(stream) };
    streamForms.set(stream, form);
  }
  return form;
}

function createFrame(event: MarketEvent, { combined, timeUnit }: Session, inventsTimes: boolean): Frame {
  const { stream } = event;
  const { wrapper, times } = formOf(stream);
  const isAsSent = times === null || timeUnit === null;
  const payload = isAsSent ? event.payload : times(event.payload, timeUnit, inventsTimes);
  return { stream, payload, text: combined ? `${wrapper}${payload}}` : payload };
}
