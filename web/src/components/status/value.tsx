import { useComputed } from "@preact/signals";
import type { Status } from "../../../../server/domain/status.ts";
import { status } from "../../state/state.ts";

/** A text of the newest status; only the text node changes when it does. */
export function Value({ read }: { read: (status: Status) => string }) {
  const text = useComputed(() => (status.value === null ? "–" : read(status.value)));
  return <>{text}</>;
}
