import type { Frame } from "../protocol/frames.ts";
import type { CompleteFault } from "./fault.ts";

/**
 * Returns the frames (0 to 2) that replace a frame that is hit; null if this fault cannot change this frame.
 * Frames that are still data of their stream carry the new payload; other frames are marked with the fault.
 */
export function changeFrame(fault: CompleteFault, frame: Frame): readonly Frame[] | null {
  const { text } = frame;
  if (typeof text !== "string") return null;
  const spoiled = (as: string | Uint8Array): Frame[] => [{ ...frame, text: as, fault: fault.kind }];
  switch (fault.kind) {
    case "silent":
    case "silent-no-pings":
    case "drop":
      return [];
    case "duplicate":
      return [frame, frame];
    case "malformed":
      return spoiled(withoutLastQuote(text));
    case "truncated":
      return spoiled(text.slice(0, Math.ceil(text.length / 2)));
    case "binary":
      return spoiled(new TextEncoder().encode(text));
    case "oversized":
      return [withPayload(frame, (payload) => addMember(payload, `"filler":"${"x".repeat(fault.bytes)}"`))];
    case "empty-side":
      return isPartialDepth(frame) ? [withPayload(frame, (payload) => cutSides(payload, fault.side, 0))] : null;
    case "thin-book":
      return isPartialDepth(frame) ? [withPayload(frame, (payload) => cutSides(payload, "both", fault.levels))] : null;
    case "unknown-fields":
      if (fault.where === "payload")
        return [withPayload(frame, (payload) => addMember(payload, '"zz":{"new":[1,null]}'))];
      return isWrapped(frame) ? spoiled(addMember(text, '"zz":1')) : null;
    case "wrong-wrapper":
      return spoiled(wrongWrapper(frame, text, fault.form));
    default:
      return null;
  }
}

/** JSON strings need two quotes each, so a text with a quote missing is not JSON. */
function withoutLastQuote(text: string): string {
  const at = text.lastIndexOf('"');
  return text.slice(0, at) + text.slice(at + 1);
}

function wrongWrapper(frame: Frame, text: string, form: "bare" | "data-first"): string {
  const wrapped = isWrapped(frame);
  const inner = wrapped ? text.slice(opening(frame).length, -1) : text;
  if (form === "bare" && wrapped) return inner;
  return `{"data":${inner},"stream":${JSON.stringify(frame.stream)}}`;
}

function withPayload(frame: Frame, change: (payload: string) => string): Frame {
  const text = String(frame.text);
  if (!isWrapped(frame)) return { ...frame, payload: change(frame.payload), text: change(text) };
  const start = opening(frame);
  return { ...frame, payload: change(frame.payload), text: `${start}${change(text.slice(start.length, -1))}}` };
}

function opening(frame: Frame): string {
  return `{"stream":${JSON.stringify(frame.stream)},"data":`;
}

function isWrapped(frame: Frame): boolean {
  return typeof frame.text === "string" && frame.text.startsWith(opening(frame));
}

function isPartialDepth(frame: Frame): boolean {
  return frame.payload.startsWith('{"lastUpdateId":');
}

function addMember(object: string, member: string): string {
  return `${object.slice(0, -1)},${member}}`;
}

function cutSides(payload: string, which: "bids" | "asks" | "both", levels: number): string {
  return payload.replace(/"(bids|asks)":(\[(?:\[[^\]]*\],?)*\])/g, (all, side: string, list: string) => {
    if (which !== "both" && which !== side) return all;
    const kept = (list.match(/\[[^[\]]*\]/g) ?? []).slice(0, levels);
    return `"${side}":[${kept.join(",")}]`;
  });
}
