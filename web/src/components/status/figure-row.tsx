import type { Status } from "../../../../server/domain/status.ts";
import { Value } from "./value.tsx";

type Props = { label: string; read: (status: Status) => string; name?: string; isExtra?: boolean };

/** A row of a quiet panel: a figure of the status with its label. `isExtra`: only on a screen with room for it. */
export function FigureRow({ label, read, name, isExtra = false }: Props) {
  return (
    <li data-count={name} class={isExtra ? "x" : ""}>
      <span>{label}</span>
      <span>
        <Value read={read} />
      </span>
    </li>
  );
}
