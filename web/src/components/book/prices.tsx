import { type ReadonlySignal, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { grouped, splitMoved } from "../../present/digits.ts";
import type { Trade } from "../../state/live-book.ts";
import { t } from "../../words/i18n.ts";

/** A price whose digits that moved last are coloured by direction. The text has grouped digits. */
export function Moving({ text }: { text: ReadonlySignal<string> }) {
  const parts = useSignal<readonly [same: string, moved: string, direction: string]>([text.peek(), "", ""]);
  const last = useRef(text.peek());
  useSignalEffect(() => {
    const now = text.value;
    if (now === last.current) return;
    const [same, moved] = splitMoved(now, last.current === "" ? null : last.current);
    const isUp = Number(now.replaceAll(",", "")) >= Number(last.current.replaceAll(",", ""));
    parts.value = [same, moved, isUp ? "up" : "down"];
    last.current = now;
  });
  const same = useComputed(() => parts.value[0]);
  const moved = useComputed(() => parts.value[1]);
  const direction = useComputed(() => parts.value[2]);
  return (
    <>
      {same}
      <span class={direction}>{moved}</span>
    </>
  );
}

/** The price of the newest trade, with an arrow for its side. */
export function LastPrice({ trades }: { trades: ReadonlySignal<readonly Trade[]> }) {
  const newest = useComputed(() => trades.value[0] ?? null);
  const text = useComputed(() => (newest.value === null ? "–" : grouped(newest.value.price)));
  const look = useComputed(() => (newest.value === null ? "" : newest.value.isSell ? "down" : "up"));
  const arrow = useComputed(() => (newest.value === null ? "" : newest.value.isSell ? "▼ " : "▲ "));
  const side = useComputed(() => (newest.value === null ? "" : t(newest.value.isSell ? "sell" : "buy")));
  return (
    <span class={look}>
      <span aria-hidden="true">{arrow}</span>
      <span class="unseen">{side} </span>
      {text}
    </span>
  );
}
