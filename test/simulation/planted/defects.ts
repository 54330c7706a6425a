import type { Violation } from "../judge/judge.ts";
import type { FaultKind } from "../plan.ts";

/** A defect that the program once had, as a change of its source that brings the defect back. */
export type Defect = {
  /** Its row in the table of the issue that listed these defects. */
  readonly row: string;
  readonly name: string;
  /** Each `text` is in its file exactly once. */
  readonly changes: readonly { readonly file: string; readonly text: string; readonly by: string }[];
  /** Kinds of faults that the search draws from. */
  readonly kinds: readonly FaultKind["kind"][];
  /** The broken promise by which the judge finds it. */
  readonly promise: Violation["promise"];
};

/** Defects that `bun run test:simulate --planted` brings back one by one, to see that the simulation finds them. */
export const defects: readonly Defect[] = [
  {
    row: "C1",
    name: "retention measures age by the machine's clock, confirmed or not",
    changes: [
      {
        file: "server/archive/retention/retention.ts",
        text: 'if (time.kind === "confirmed") return dateOf(time.us);',
        by: "if (time.kind !== undefined) return dateOf(Date.now() * 1000);",
      },
      {
        file: "server/app/data/archive-lifecycle.ts",
        text: "const today = () => dateBy(deps.time());",
        by: "const today = () => dateBy({ ...deps.time(), kind: 'confirmed', us: Date.now() * 1000 });",
      },
    ],
    kinds: ["clock_step", "kill"],
    promise: "deleted",
  },
  {
    row: "H5",
    name: "gaps are written to the catalogue only, not to the journal's file",
    changes: [
      {
        file: "server/journal/journal.ts",
        text: 'saveEntry({ kind: "gap", gap });',
        by: 'state.apply({ kind: "gap", gap }, ++position);',
      },
    ],
    kinds: ["catalogue_locked", "cut", "kill", "stop"],
    promise: "written down",
  },
  {
    row: "H6",
    name: "a symbol that is removed and added again leaves no gap",
    changes: [
      {
        file: "server/app/gaps/left-out.ts",
        text: "openGap(stream.type.folder, stream.symbol, nowUs());",
        by: "",
      },
      {
        file: "server/app/gaps/left-out.ts",
        text: "      const downtime = closeOpenGap(stream);\n        if (downtime !== null) downtimes.set(stream, downtime);",
        by: "      closeOpenGap(stream);",
      },
    ],
    kinds: ["reload"],
    promise: "written down",
  },
  {
    row: "M8",
    name: "ids that jump ahead and come back are not taken back: what follows counts as missing",
    changes: [
      {
        file: "server/binance/gaps/sequence.ts",
        text: "if (missingIds !== null && known === null && mayReturn) {",
        by: "if (missingIds !== null && known === null && mayReturn && Number.isNaN(id)) {",
      },
    ],
    kinds: ["id_glitch"],
    promise: "once",
  },
  {
    row: "M4",
    name: "the loss of an open segment that was cut short is not noticed",
    changes: [
      {
        file: "server/recorder/write/stream-output.ts",
        text: "events.onTampered(stream, restored.open.writer.path, tampering, restored.loss);",
        by: "events.onTampered(stream, restored.open.writer.path, tampering, null);",
      },
    ],
    kinds: ["segment_gone", "cut"],
    promise: "written down",
  },
];
